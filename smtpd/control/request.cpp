#include "smtpd/control/request.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/quote.h"
#include "smtpd/control/house.h"

namespace holdfast::control {

namespace {

// A status without the queue's numbers is better than none.
constexpr Duration counts_patience = std::chrono::seconds(2);

constexpr std::size_t max_text = 8000;

links::QueueCounts no_counts(std::string trouble) {
    links::QueueCounts counts;
    counts.accepting = false;
    counts.known = false;
    counts.trouble = std::move(trouble);
    return counts;
}

}  // namespace

Request::Request(House& house, Client client, Callbacks callbacks)
    : house_(house),
      client_(client),
      reply_(std::move(callbacks.reply)),
      on_passed_(std::move(callbacks.on_passed)) {}

Request::~Request() {
    house_.dismiss(number_);
}

// Numbers the question; where it needs privilege the administrator's socket goes with it. Nobody
// else's leaves this room, for what he may have left in it would be for others to close: where
// there is none, the question is refused.
template <class Query>
bool Request::prepare(Query& query) {
    if constexpr (requires { query.client; }) {
        const bool may_ask = client_.uid == 0 || client_.uid == geteuid();
        if (may_ask) query.client.reset(fcntl(client_.socket, F_DUPFD_CLOEXEC, 0));
        if (may_ask && !query.client) {
            answer(EX_TEMPFAIL, "the daemon is out of descriptors: try again");
            return false;
        }
    }
    query.request = number_ = house_.enlist(*this);
    return true;
}

template <class Query>
void Request::ask_parent(Query query) {
    waits_for_ = Waiting::parent;
    if (!house_.has_parent()) return parent_left();
    if (prepare(query)) house_.send_to_parent(std::move(query));
}

template <class Query>
void Request::ask_qmgr(Query query) {
    waits_for_ = Waiting::qmgr;
    if (!house_.has_qmgr()) return qmgr_left();
    if (prepare(query)) house_.send_to_qmgr(std::move(query));
}

void Request::on(links::StatusRequest&&) {
    ask_parent(links::StatusQuery());
}

void Request::on(links::AliasesRequest&&) {
    ask_parent(links::AliasesQuery());
}

void Request::answer(std::uint8_t status, std::string text) {
    house_.dismiss(number_);
    waits_for_ = Waiting::nothing;
    daemon_.reset();
    text.resize(std::min(text.size(), max_text));
    reply_(links::Answer{status, harmless_lines(text)});
}

// --- status -------------------------------------------------------------------------------------

void Request::on(links::StatusReply&& reply) {
    daemon_ = std::move(reply);
    counts_asked_ = house_.loop().now();
    ask_qmgr(links::CountsQuery());
}

void Request::on(links::CountsReply&& reply) {
    finish_status(std::move(reply.counts));
}

// Without a daemon_ it is an answer to what was not asked.
void Request::finish_status(links::QueueCounts counts) {
    if (!daemon_) return answer(EX_TEMPFAIL, "the queue manager gave no answer: try again");
    counts.trouble.resize(std::min(counts.trouble.size(), max_text));
    reply_(links::Overview{std::move(*daemon_), std::move(counts)});
    answer(EX_OK, {});
}

void Request::check_patience() {
    if (!daemon_ || house_.loop().now() - counts_asked_ < counts_patience) return;
    finish_status(no_counts("the queue manager does not answer"));
}

// --- the queue ----------------------------------------------------------------------------------

void Request::on(links::ListRequest&&) {
    listed_ = MessageId();
    shown_.reset();
    ask_for_more();
}

void Request::on(links::ShowRequest&& message) {
    shown_ = message.id;
    offset_ = 0;
    ask_for_more();
}

void Request::ask_for_more() {
    if (shown_) return ask_qmgr(links::ShowQuery{0, *shown_, offset_, {}});
    ask_qmgr(links::ListQuery{0, listed_});
}

void Request::on(links::ListItems&& page) {
    // A page that does not lead on would be asked for again for ever.
    const bool leads_on = !page.last && !page.items.empty() && page.items.back().id > listed_;
    if (leads_on) listed_ = page.items.back().id;
    waits_for_ = Waiting::client;
    if (!page.items.empty()) reply_(std::move(page));
    if (!leads_on) answer(EX_OK, {});
}

void Request::on(links::Text&& text) {
    if (text.bytes.empty()) return answer(EX_OK, {});
    offset_ += text.bytes.size();
    waits_for_ = Waiting::client;
    reply_(std::move(text));
}

void Request::on_drained() {
    if (waits_for_ != Waiting::client) return;
    ask_for_more();
}

bool Request::has_too_many(const std::vector<MessageId>& ids) {
    if (ids.size() <= max_ids) return false;
    answer(EX_USAGE, "too many messages in one request");
    return true;
}

void Request::on(links::RemoveRequest&& message) {
    if (has_too_many(message.ids)) return;
    ask_qmgr(links::RemoveQuery{0, std::move(message.ids), {}});
}

void Request::on(links::FlushRequest&& message) {
    if (has_too_many(message.ids)) return;
    ask_qmgr(links::FlushQuery{0, std::move(message.ids)});
}

void Request::qmgr_left() {
    if (waits_for_ != Waiting::qmgr) return;
    const std::string why = "the queue manager is being restarted";
    if (daemon_) return finish_status(no_counts(why));
    answer(EX_TEMPFAIL, why + ": try again");
}

// --- the daemon ---------------------------------------------------------------------------------

// The parent answers the client itself, however long that takes and whatever becomes of this room.
void Request::on(links::OrderRequest&& message) {
    if (client_.uid != 0 && client_.uid != geteuid()) {
        return answer(EX_NOPERM, "only root may give orders to smtpd");
    }
    waits_for_ = Waiting::parent;
    if (!house_.has_parent()) return parent_left();
    links::AdminOrder order{message.order, message.now, {}};
    order.client.reset(fcntl(client_.socket, F_DUPFD_CLOEXEC, 0));
    if (!order.client) {
        return answer(EX_TEMPFAIL, "the daemon is out of descriptors: try again");
    }
    house_.send_to_parent(std::move(order));
    on_passed_();
}

void Request::on(links::Done&& reply) {
    answer(reply.status, std::move(reply.text));
}

void Request::parent_left() {
    if (waits_for_ != Waiting::parent) return;
    answer(EX_TEMPFAIL, "smtpd has ended, and its rooms finish their work: try again");
}

}  // namespace holdfast::control
