#include "smtpd/control/qmgr_link.h"

#include <utility>

namespace holdfast::control {

namespace {

constexpr std::size_t backlog_limit = 4 * 1024 * 1024;

}  // namespace

QmgrLink::QmgrLink(Loop& loop, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)) {}

// A new channel means that the old qmgr has gone, even where its end has not been seen yet.
void QmgrLink::attach(UniqueFd channel) {
    if (channel_) on_end(ChannelEnd::closed);
    channel_.emplace(loop_, std::move(channel), *this);
    tell_all_resumed();
}

bool QmgrLink::congested() const {
    return channel_ && channel_->backlog() > backlog_limit;
}

void QmgrLink::send(links::ControlToQmgr message) {
    if (!channel_) return;
    channel_->send(std::move(message));
    was_congested_ = was_congested_ || congested();
}

std::uint64_t QmgrLink::enlist(TransactionEvents events) {
    transactions_.emplace(++last_number_, std::move(events));
    return last_number_;
}

void QmgrLink::dismiss(std::uint64_t transaction) {
    transactions_.erase(transaction);
}

std::uint64_t QmgrLink::ask(const std::function<links::ControlToQmgr(std::uint64_t)>& query,
                            Callback callback) {
    const std::uint64_t number = ++last_number_;
    requests_.emplace(number, std::move(callback));
    if (present()) {
        send(query(number));
    } else {
        loop_.after_turn([this, number] { reply(number, std::monostate()); });
    }
    return number;
}

void QmgrLink::withdraw(std::uint64_t request) {
    requests_.erase(request);
}

// Callbacks are copied before they are called: they may withdraw themselves.
void QmgrLink::on(links::Credit&& message) {
    const auto found = transactions_.find(message.transaction);
    if (found == transactions_.end()) return;
    const auto call = found->second.credit;
    call(message.bytes);
}

void QmgrLink::on(links::Committed&& message) {
    const auto found = transactions_.find(message.transaction);
    if (found == transactions_.end()) return;
    const auto call = found->second.committed;
    call();
}

void QmgrLink::on(links::Rejected&& message) {
    const auto found = transactions_.find(message.transaction);
    if (found == transactions_.end()) return;
    const auto call = found->second.rejected;
    call(message.refusal);
}

void QmgrLink::reply(std::uint64_t request, QmgrReply message) {
    const auto found = requests_.find(request);
    if (found == requests_.end()) return;
    const Callback callback = std::move(found->second);
    requests_.erase(found);
    callback(std::move(message));
}

std::vector<std::uint64_t> QmgrLink::transactions() const {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(transactions_.size());
    for (const auto& [number, events] : transactions_) numbers.push_back(number);
    return numbers;
}

void QmgrLink::tell_all_resumed() {
    was_congested_ = false;
    for (const std::uint64_t number : transactions()) {
        const auto found = transactions_.find(number);
        if (found == transactions_.end()) continue;
        const auto call = found->second.resumed;
        call();
    }
}

void QmgrLink::on_end(ChannelEnd how) {
    channel_.reset();
    for (const std::uint64_t number : transactions()) {
        const auto found = transactions_.find(number);
        if (found == transactions_.end()) continue;
        const auto call = found->second.lost;
        call();
    }
    for (auto& [number, callback] : std::exchange(requests_, {})) callback(std::monostate());
    callbacks_.on_lost();
    if (how == ChannelEnd::malformed) callbacks_.on_malformed();
}

}  // namespace holdfast::control
