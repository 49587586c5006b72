#include "smtpd/qmgr/agent.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/links/transfer.h"

namespace holdfast::qmgr {

namespace {

constexpr std::size_t max_text = 1024;
constexpr std::size_t max_place = 255;

char status_class(Verdict verdict) {
    switch (verdict) {
        case Verdict::delivered:
            return '2';
        case Verdict::retry:
            return '4';
        case Verdict::refused:
            break;
    }
    return '5';
}

// Cut first, so that no more is escaped than can be kept.
std::string clean(const std::string& text, std::size_t limit) {
    return escaped(text.substr(0, limit)).substr(0, limit);
}

}  // namespace

bool is_status(std::string_view text, char first) {
    if (text.size() < 5 || text.size() > 9 || text[0] != first || text[1] != '.') return false;
    const std::size_t dot = text.find('.', 2);
    if (dot == 2 || dot == std::string_view::npos || dot + 1 == text.size()) return false;
    return std::ranges::count(text, '.') == 2 &&
           std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

Outcome cleaned(Outcome outcome) {
    const char first = status_class(outcome.verdict);
    if (!is_status(outcome.enhanced, first)) outcome.enhanced = std::string(1, first) + ".0.0";
    outcome.text = clean(outcome.text, max_text);
    outcome.place = clean(outcome.place, max_place);
    return outcome;
}

Agent::Agent(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      callbacks_(std::move(callbacks)),
      channel_(loop, std::move(channel), *this),
      last_progress_(loop.now()) {}

void Agent::deliver(MailboxJob job) {
    if (jobs_.empty()) last_progress_ = loop_.now();
    current_ = ++last_job_;
    announced_ = false;
    job.deliver.job = current_;
    job.deliver.length = job.place.length;
    const MailboxJob& kept = jobs_.emplace(current_, std::move(job)).first->second;
    if (kept.body) return announce(kept.body);
    spool_.run([id = kept.deliver.id,
                place = kept.place](queue::Store& store) { return store.open_body(id, place); },
               life_.guard([this](std::expected<queue::Slice, queue::LoadFailure> body) {
                   if (!ended_) opened(std::move(body));
               }));
}

// Nothing is said to the agent before the body has been read and found whole.
void Agent::opened(std::expected<queue::Slice, queue::LoadFailure> body) {
    if (body) return announce(std::make_shared<const queue::Slice>(std::move(*body)));
    const auto& [fault, error] = body.error();
    if (fault == queue::LoadFault::gone) {
        log::error("message-lost", {{"msg", jobs_.at(current_).deliver.id}, {"reason", error}});
    }
    const bool lost = fault != queue::LoadFault::failed;
    finish(std::exchange(current_, 0),
           {lost ? JobEnd::lost : JobEnd::reported, {retry_with(error.text())}});
}

void Agent::announce(std::shared_ptr<const queue::Slice> body) {
    announced_ = true;
    channel_.send(jobs_.at(current_).deliver);
    body_ = std::move(body);
    offset_ = 0;
    feed();
}

// Gives of the body as much as the window holds, then waits for on(BytesTaken).
void Agent::feed() {
    while (body_ && !reading_) {
        const std::uint64_t rest = body_->length() - offset_;
        if (rest == 0) {
            body_.reset();
            current_ = 0;
            return progressed();
        }
        const auto size = static_cast<std::size_t>(
            std::min({rest, std::uint64_t{max_chunk}, links::window - outstanding_}));
        if (size == 0) return;
        if (body_->kept()) {
            give(body_->read(offset_, size));
            continue;
        }
        reading_ = true;
        spool_.run([body = body_, offset = offset_,
                    size](queue::Store&) { return body->read(offset, size); },
                   life_.guard([this](Result<std::string> piece) {
                       reading_ = false;
                       if (body_) give(std::move(piece));
                       feed();
                   }));
    }
}

void Agent::give(Result<std::string> piece) {
    if (!piece) return fail();
    offset_ += piece->size();
    outstanding_ += piece->size();
    channel_.send(links::Bytes{current_, std::move(*piece)});
}

// At the turn's end: nobody is called back in the middle of what he does.
void Agent::progressed() {
    last_progress_ = loop_.now();
    loop_.after_turn(life_.guard([this] {
        if (!ended_) callbacks_.on_progress();
    }));
}

void Agent::on(links::Report&& report) {
    if (ended_) return;
    // Success with what is not all there is as wrong as a verdict on what was never given. Another
    // verdict may come early; the bytes that were announced follow all the same.
    const bool partial = report.job == current_;
    const bool wrong = partial && (!announced_ || report.outcome.verdict == Verdict::delivered);
    if (wrong || !jobs_.contains(report.job)) {
        log::warning("agent-malformed", {{"job", report.job}});
        return fail();
    }
    finish(report.job, {JobEnd::reported, {cleaned(std::move(report.outcome))}});
}

void Agent::on(links::BytesTaken&& taken) {
    last_progress_ = loop_.now();
    outstanding_ -= std::min(outstanding_, taken.bytes);
    feed();
}

void Agent::finish(std::uint64_t number, JobResult result) {
    const auto job = jobs_.extract(number);
    progressed();
    job.mapped().done(std::move(result));
}

void Agent::abandon() {
    ended_ = true;
    body_.reset();
    for (auto& [number, job] : std::exchange(jobs_, {})) {
        job.done({JobEnd::uncertain, {retry_with("the delivery agent ended before it reported")}});
    }
}

void Agent::fail() {
    if (ended_) return;
    abandon();
    callbacks_.on_end();
}

void Agent::on_end(ChannelEnd how) {
    if (how == ChannelEnd::malformed) log::warning("agent-malformed", {});
    fail();
}

}  // namespace holdfast::qmgr
