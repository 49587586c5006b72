#include "smtpd/qmgr/agent.h"

#include <algorithm>

#include "smtpd/base/log.h"
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

bool is_status(std::string_view text, char first) {
    if (text.size() < 5 || text.size() > 9 || text[0] != first || text[1] != '.') return false;
    const std::size_t dot = text.find('.', 2);
    if (dot == 2 || dot == std::string_view::npos || dot + 1 == text.size()) return false;
    return std::ranges::count(text, '.') == 2 &&
           std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

std::string cut(std::string text, std::size_t limit) {
    if (text.size() > limit) text.resize(limit);
    return text;
}

Outcome retry(std::string text) {
    return {Verdict::retry, "4.3.0", std::move(text), {}};
}

}  // namespace

Outcome cleaned(Outcome outcome) {
    const char first = status_class(outcome.verdict);
    if (!is_status(outcome.enhanced, first)) outcome.enhanced = std::string(1, first) + ".0.0";
    outcome.text = cut(escaped(cut(std::move(outcome.text), max_text)), max_text);
    outcome.place = cut(escaped(cut(std::move(outcome.place), max_place)), max_place);
    return outcome;
}

Agent::Agent(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      callbacks_(std::move(callbacks)),
      channel_(loop, std::move(channel), *this),
      last_progress_(loop.now()) {}

void Agent::deliver(Job job) {
    job.deliver.job = ++last_job_;
    job.deliver.length = job.body.place.length;
    if (jobs_.empty()) last_progress_ = loop_.now();
    Sending next;
    next.job = last_job_;
    next.bytes = job.body.bytes;
    next.length = job.deliver.length;
    next.reading = next.bytes == nullptr;
    sending_ = std::move(next);
    const Job& kept = jobs_.emplace(last_job_, std::move(job)).first->second;
    if (kept.body.bytes == nullptr) return open_body(kept);
    announce(kept);
    pump();
}

// Nothing is said to the agent before the body has been read and found whole.
void Agent::open_body(const Job& job) {
    spool_.run([id = job.body.id,
                place = job.body.place](queue::Store& store) { return store.open_body(id, place); },
               [this, alive = std::weak_ptr(alive_),
                number = job.deliver.job](std::expected<queue::Slice, queue::LoadFailure> body) {
                   if (!alive.expired()) body_opened(number, std::move(body));
               });
}

void Agent::body_opened(std::uint64_t number,
                        std::expected<queue::Slice, queue::LoadFailure> body) {
    if (ended_ || !sending_ || sending_->job != number) return;
    if (!body) {
        sending_.reset();
        const bool lost = body.error().fault != queue::LoadFault::failed;
        finish(number, {lost ? JobEnd::damaged : JobEnd::unread, retry(body.error().error.text())});
        return;
    }
    sending_->slice = std::make_shared<queue::Slice>(std::move(*body));
    sending_->reading = false;
    announce(jobs_.at(number));
    pump_and_tell();
}

void Agent::announce(const Job& job) {
    channel_.send(job.deliver);
}

void Agent::pump() {
    while (sending_ && !sending_->reading && sending_->offset < sending_->length) {
        const std::uint64_t room =
            links::window - std::min<std::uint64_t>(outstanding_, links::window);
        const std::uint64_t rest = sending_->length - sending_->offset;
        const auto size =
            static_cast<std::size_t>(std::min({room, rest, std::uint64_t{max_chunk}}));
        if (size == 0) return;  // BytesTaken goes on
        if (sending_->bytes != nullptr) {
            send_piece(sending_->bytes->substr(static_cast<std::size_t>(sending_->offset), size));
        } else if (sending_->slice->kept()) {
            auto piece = sending_->slice->read(sending_->offset, size);
            if (!piece) return fail();
            send_piece(std::move(*piece));
        } else {
            return read_piece(size);
        }
    }
    if (sending_ && !sending_->reading) sending_.reset();
}

void Agent::pump_and_tell() {
    const std::weak_ptr alive(alive_);
    pump();
    if (!alive.expired() && hungry()) callbacks_.on_progress();
}

void Agent::send_piece(std::string piece) {
    sending_->offset += piece.size();
    outstanding_ += piece.size();
    channel_.send(links::Bytes{sending_->job, std::move(piece)});
}

void Agent::read_piece(std::size_t size) {
    sending_->reading = true;
    spool_.run(
        [slice = sending_->slice, offset = sending_->offset, size](queue::Store&) {
            return slice->read(offset, size);
        },
        [this, alive = std::weak_ptr(alive_), job = sending_->job](Result<std::string> piece) {
            if (alive.expired() || ended_ || !sending_ || sending_->job != job) return;
            sending_->reading = false;
            if (!piece) return fail();
            send_piece(std::move(*piece));
            pump_and_tell();
        });
}

void Agent::on(links::Report&& report) {
    // Success with what is not all there is as wrong as a verdict on what was never given. Another
    // verdict may come early; the bytes that were announced follow all the same.
    const bool partial = sending_ && sending_->job == report.job;
    const bool unannounced = partial && sending_->bytes == nullptr && !sending_->slice;
    if (!jobs_.contains(report.job) || unannounced ||
        (partial && report.outcome.verdict == Verdict::delivered)) {
        log::warning("agent-malformed", {{"job", report.job}});
        return fail();
    }
    finish(report.job, {JobEnd::reported, cleaned(std::move(report.outcome))});
}

void Agent::on(links::BytesTaken&& taken) {
    last_progress_ = loop_.now();
    outstanding_ -= std::min(outstanding_, taken.bytes);
    pump_and_tell();
}

void Agent::finish(std::uint64_t number, JobResult result) {
    last_progress_ = loop_.now();
    const auto at = jobs_.find(number);
    const auto done = std::move(at->second.done);
    jobs_.erase(at);
    const std::weak_ptr alive(alive_);
    done(std::move(result));
    if (!alive.expired() && !ended_) callbacks_.on_progress();
}

void Agent::abandon() {
    ended_ = true;
    sending_.reset();
    auto jobs = std::exchange(jobs_, {});
    for (auto& [number, job] : jobs) {
        job.done({JobEnd::uncertain, retry("the delivery agent ended before it reported")});
    }
}

void Agent::fail() {
    if (ended_) return;
    const auto on_end = callbacks_.on_end;  // which destroys this
    abandon();
    on_end();
}

void Agent::on_end(ChannelEnd how) {
    if (how == ChannelEnd::malformed) log::warning("agent-malformed", {});
    fail();
}

}  // namespace holdfast::qmgr
