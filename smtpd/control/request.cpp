#include "smtpd/control/request.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sysexits.h>

namespace holdfast::control {

namespace {

// A status without the queue's numbers is better than none.
constexpr Duration counts_patience = std::chrono::seconds(2);

constexpr std::size_t max_text = 1000;

links::QueueCounts no_counts(std::string trouble) {
    links::QueueCounts counts;
    counts.accepting = false;
    counts.trouble = std::move(trouble);
    return counts;
}

}  // namespace

Request::Request(House& house, int client, std::function<void(links::ControlToClient)> reply)
    : house_(house), client_(client), reply_(std::move(reply)), patience_(house.loop, [this] {
          house_.qmgr.withdraw(*std::exchange(at_qmgr_, std::nullopt));
          finish_status(no_counts("the queue manager does not answer"));
      }) {}

Request::~Request() {
    if (at_qmgr_) house_.qmgr.withdraw(*at_qmgr_);
    if (at_parent_) house_.parent.withdraw(*at_parent_);
}

void Request::ask_qmgr(const std::function<links::ControlToQmgr(std::uint64_t)>& query,
                       QmgrLink::Callback callback) {
    busy_ = true;
    at_qmgr_ = house_.qmgr.ask(query, [this, call = std::move(callback)](QmgrReply reply) {
        at_qmgr_.reset();
        call(std::move(reply));
    });
}

void Request::ask_parent(const std::function<links::ControlToParent(std::uint64_t)>& query,
                         ParentLink::Callback callback) {
    busy_ = true;
    at_parent_ = house_.parent.ask(query, [this, call = std::move(callback)](ParentReply reply) {
        at_parent_.reset();
        call(std::move(reply));
    });
}

void Request::answer(std::uint8_t status, std::string text) {
    busy_ = false;
    text.resize(std::min(text.size(), max_text));
    reply_(links::Answer{status, std::move(text)});
}

void Request::answer_qmgr_gone() {
    answer(EX_TEMPFAIL, "the queue manager is being restarted: try again");
}

// --- status -------------------------------------------------------------------------------------

void Request::on(links::StatusRequest&&) {
    ask_parent([](std::uint64_t number) { return links::StatusQuery{number}; },
               [this](ParentReply reply) { on_daemon_status(std::move(reply)); });
}

void Request::on_daemon_status(ParentReply reply) {
    auto* status = std::get_if<links::StatusReply>(&reply);
    if (status == nullptr) return answer(EX_TEMPFAIL, "the daemon's parent process has gone");
    daemon_ = std::move(*status);
    patience_.set(counts_patience);
    ask_qmgr([](std::uint64_t number) { return links::CountsQuery{number}; },
             [this](QmgrReply counts) {
                 auto* known = std::get_if<links::CountsReply>(&counts);
                 finish_status(known != nullptr
                                   ? std::move(known->counts)
                                   : no_counts("the queue manager is being restarted"));
             });
}

void Request::finish_status(links::QueueCounts counts) {
    patience_.cancel();
    counts.trouble.resize(std::min(counts.trouble.size(), max_text));
    reply_(links::Overview{std::move(daemon_), std::move(counts)});
    answer(EX_OK, {});
}

// --- the queue ----------------------------------------------------------------------------------

void Request::on(links::ListRequest&&) {
    listed_ = MessageId();
    next_page();
}

void Request::next_page() {
    ask_qmgr([this](std::uint64_t number) { return links::ListQuery{number, listed_}; },
             [this](QmgrReply reply) { on_page(std::move(reply)); });
}

void Request::on_page(QmgrReply reply) {
    auto* page = std::get_if<links::ListItems>(&reply);
    if (page == nullptr) return answer_qmgr_gone();
    // A page that does not lead on would be asked for again for ever.
    const bool leads_on = !page->last && !page->items.empty() && page->items.back().id > listed_;
    if (leads_on) listed_ = page->items.back().id;
    if (!page->items.empty()) reply_(std::move(*page));
    if (!leads_on) return answer(EX_OK, {});
    when_drained_ = [this] { next_page(); };
}

void Request::on(links::ShowRequest&& message) {
    shown_ = message.id;
    offset_ = 0;
    next_text();
}

void Request::next_text() {
    auto socket = client_socket();
    if (!socket) return;
    auto holder = std::make_shared<UniqueFd>(std::move(*socket));
    ask_qmgr(
        [this, holder](std::uint64_t number) {
            return links::ShowQuery{number, shown_, offset_, std::move(*holder)};
        },
        [this](QmgrReply reply) { on_text(std::move(reply)); });
}

void Request::on_text(QmgrReply reply) {
    auto* text = std::get_if<links::Text>(&reply);
    if (text == nullptr) return finish_from_qmgr(std::move(reply));
    if (text->bytes.empty()) return answer(EX_OK, {});
    offset_ += text->bytes.size();
    reply_(std::move(*text));
    when_drained_ = [this] { next_text(); };
}

void Request::on_drained() {
    if (!when_drained_) return;
    const auto next = std::exchange(when_drained_, nullptr);
    next();
}

void Request::on(links::RemoveRequest&& message) {
    if (message.ids.size() > max_ids) return answer(EX_USAGE, "too many messages in one request");
    auto socket = client_socket();
    if (!socket) return;
    auto holder = std::make_shared<UniqueFd>(std::move(*socket));
    ask_qmgr(
        [&message, holder](std::uint64_t number) {
            return links::RemoveQuery{number, std::move(message.ids), std::move(*holder)};
        },
        [this](QmgrReply reply) { finish_from_qmgr(std::move(reply)); });
}

void Request::on(links::FlushRequest&& message) {
    if (message.ids.size() > max_ids) return answer(EX_USAGE, "too many messages in one request");
    ask_qmgr(
        [&message](std::uint64_t number) {
            return links::FlushQuery{number, std::move(message.ids)};
        },
        [this](QmgrReply reply) { finish_from_qmgr(std::move(reply)); });
}

void Request::finish_from_qmgr(QmgrReply reply) {
    auto* finished = std::get_if<links::Finished>(&reply);
    if (finished == nullptr) return answer_qmgr_gone();
    answer(finished->status, std::move(finished->text));
}

// --- the daemon ---------------------------------------------------------------------------------

void Request::on(links::StopRequest&& message) {
    auto socket = client_socket();
    if (!socket) return;
    auto holder = std::make_shared<UniqueFd>(std::move(*socket));
    ask_parent(
        [now = message.now, holder](std::uint64_t number) {
            return links::StopQuery{number, now, std::move(*holder)};
        },
        [this](ParentReply reply) { finish_from_parent(std::move(reply)); });
}

void Request::on(links::AliasesRequest&&) {
    ask_parent([](std::uint64_t number) { return links::AliasesQuery{number}; },
               [this](ParentReply reply) { finish_from_parent(std::move(reply)); });
}

void Request::finish_from_parent(ParentReply reply) {
    auto* done = std::get_if<links::Done>(&reply);
    if (done == nullptr) return answer(EX_TEMPFAIL, "the daemon's parent process has gone");
    answer(done->status, std::move(done->text));
}

std::optional<UniqueFd> Request::client_socket() {
    UniqueFd copy(fcntl(client_, F_DUPFD_CLOEXEC, 0));
    if (copy) return copy;
    answer(EX_TEMPFAIL, "the daemon is out of descriptors: try again");
    return std::nullopt;
}

}  // namespace holdfast::control
