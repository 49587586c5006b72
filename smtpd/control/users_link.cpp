#include "smtpd/control/users_link.h"

#include "smtpd/base/log.h"

namespace holdfast::control {

namespace {

constexpr Duration pause_after_failure = std::chrono::seconds(1);

}  // namespace

UsersLink::UsersLink(Loop& loop, std::function<void()> on_malformed)
    : loop_(loop),
      on_malformed_(std::move(on_malformed)),
      again_(loop, [this] { put_failed_again(); }) {}

void UsersLink::attach(UniqueFd channel) {
    channel_.emplace(loop_, std::move(channel), *this);
    for (const auto& [number, question] : questions_) put(number, question);
}

std::uint64_t UsersLink::ask(std::uint32_t uid, Callback callback) {
    const std::uint64_t number = ++last_number_;
    const auto added = questions_.emplace(number, Question{uid, std::move(callback)});
    put(number, added.first->second);
    return number;
}

void UsersLink::withdraw(std::uint64_t question) {
    questions_.erase(question);
}

void UsersLink::put(std::uint64_t number, const Question& question) {
    if (channel_) channel_->send(links::UidQuery{number, question.uid});
}

void UsersLink::put_failed_again() {
    for (auto& [number, question] : questions_) {
        if (!question.failed) continue;
        question.failed = false;
        put(number, question);
    }
}

void UsersLink::on(links::UserReply&& reply) {
    const auto found = questions_.find(reply.request);
    if (found == questions_.end()) return;
    if (reply.lookup == links::Lookup::failed) {
        log::warning("user-lookup-failed", {{"uid", found->second.uid}});
        found->second.failed = true;
        if (!again_.pending()) again_.set(pause_after_failure);
        return;
    }
    const Callback callback = std::move(found->second.callback);
    questions_.erase(found);
    callback(std::move(reply));
}

void UsersLink::on_end(ChannelEnd how) {
    channel_.reset();
    if (how == ChannelEnd::malformed) on_malformed_();
}

}  // namespace holdfast::control
