#include "smtpd/smtpin/session.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::smtpin {

namespace {

// Replies to pipelined commands: behind so many bytes they go out first. EHLO is answered with
// twenty times its length, and a client that does not read would have us keep it all.
constexpr std::size_t max_replies = 8 * 1024;

Reply outcome_unknown() {
    return {451, "4.3.0", "mail system did not answer in time; try again later"};
}

Reply bare_line_end() {
    return {550, "5.5.2", "bare CR or LF: lines end with CR LF"};
}

}  // namespace

SmtpSession::SmtpSession(const Policy& policy, SessionNumber number, Client client, MonoTime now)
    : policy_(policy), number_(number), client_(std::move(client)), patience_(now) {
    if (client_.tls == links::TlsMode::implicit) state_ = State::securing;
}

Actions SmtpSession::begin(Queue queue, Moment now) {
    now_ = now;
    queue_ = queue;
    if (state_ == State::securing) {
        begin_handshake();
    } else if (state_ != State::finished) {
        greet();
    }
    return actions();
}

void SmtpSession::greet() {
    say({220, "", policy_.hostname + " ESMTP Holdfast"});
}

void SmtpSession::begin_handshake() {
    state_ = State::securing;
    start_tls_ = true;
    patience_.handshake_began(now_.mono);
}

// RFC 3207 section 4.2: what was learned from the client is forgotten.
Actions SmtpSession::on_secured(const tls::Secured& facts, Moment now) {
    now_ = now;
    if (state_ != State::securing) return actions();
    tls_ = facts.version + " " + facts.cipher;
    if (facts.discarded != 0) {
        facts_.emplace_back(Injected{facts.discarded});
        budget_.refused(Subject::command);
    }
    helo_.clear();
    extended_ = false;
    end_transaction();
    if (client_.tls == links::TlsMode::implicit && state_ != State::finished) greet();
    return actions();
}

Actions SmtpSession::on_handshake_failed(const std::string& why, Moment now) {
    now_ = now;
    if (state_ != State::securing) return actions();
    facts_.emplace_back(HandshakeFailed{helo_, why});
    finish(Reason::no_tls);
    return actions();
}

Actions SmtpSession::actions(std::size_t used) {
    Actions result;
    result.used = used;
    result.for_queue = std::exchange(frames_, {});
    if (!question_) result.for_client = std::exchange(replies_, {});
    result.facts = std::exchange(facts_, {});
    result.start_tls = std::exchange(start_tls_, false);
    result.finish = state_ == State::finished;
    return result;
}

Actions SmtpSession::on_input(std::string_view input, Moment now) {
    now_ = now;
    std::size_t used = 0;
    while (used < input.size() && takes_input() && replies_.size() < max_replies) {
        const std::size_t step = take(input.substr(used));
        if (step == 0) break;
        used += step;
    }
    return actions(used);
}

bool SmtpSession::takes_input() const {
    switch (state_) {
        case State::fresh:
        case State::ready:
        case State::recipients:
            return !question_;
        case State::body:
            return !message_->blocked();
        case State::committing:
        case State::securing:
        case State::finished:
            return false;
    }
    return false;
}

std::size_t SmtpSession::take(std::string_view input) {
    return state_ == State::body ? take_body(input) : take_line(input);
}

std::size_t SmtpSession::take_line(std::string_view input) {
    const auto taken = lines_.take(input);
    switch (taken.kind) {
        case LineReader::Kind::incomplete:
            return taken.used;
        case LineReader::Kind::line:
            do_command(taken.line);
            break;
        case LineReader::Kind::too_long:
            refuse(Subject::command, {500, "5.5.6", "line too long"});
            break;
        case LineReader::Kind::bare_line_end:
            finish(Reason::bare_line_end, bare_line_end());
            break;
    }
    patience_.command_done(now_.mono);
    return taken.used;
}

std::size_t SmtpSession::take_body(std::string_view input) {
    const std::size_t used = message_->feed(input);
    patience_.body_came(now_.mono, used);
    after_body_advanced();
    return used;
}

void SmtpSession::send_message_frames() {
    auto frames = message_->take();
    if (frames.empty()) return;
    if (queue_ == Queue::absent) return message_->refused_by_queue(queue_absent());
    std::ranges::move(frames, std::back_inserter(frames_));
}

void SmtpSession::after_body_advanced() {
    send_message_frames();
    if (message_->blocked()) return patience_.queue_asked(now_.mono);
    switch (message_->stage()) {
        case DataDecoder::Stage::body:
            return;
        case DataDecoder::Stage::end:
            return end_body();
        case DataDecoder::Stage::bare_line_end:
            note_refusal({Subject::message, helo_, sender_, {}, bare_line_end()});
            return finish(Reason::bare_line_end, bare_line_end());
    }
}

// Behind the final dot.
void SmtpSession::end_body() {
    if (message_->refusal()) {
        const Reply why = *message_->refusal();
        return refuse(Subject::message, why);
    }
    state_ = State::committing;
    patience_.queue_asked(now_.mono);
}

Actions SmtpSession::on(const links::RecipientReply& answer, Moment now) {
    now_ = now;
    // An answer to what is not asked any more is none.
    if (!question_ || question_->number != answer.query) return actions();
    const links::Refusal& no = answer.refusal;
    answer_question(no.code == 0 ? Reply{250, "2.1.5", "Ok"}
                                 : holdfast::refusal(no.code, no.enhanced, no.text));
    return actions();
}

void SmtpSession::answer_question(const Reply& reply) {
    const std::string recipient = std::exchange(question_, std::nullopt)->recipient;
    patience_.command_done(now_.mono);
    if (!reply.positive()) return refuse(Subject::recipient, reply, recipient);
    recipients_.push_back(recipient);
    say(reply);
}

Actions SmtpSession::on(const links::Credit& credit, Moment now) {
    now_ = now;
    if (state_ != State::body || message_->transaction() != credit.transaction) return actions();
    const bool was_blocked = message_->blocked();
    message_->credit(credit.bytes);
    if (!was_blocked) return actions();
    send_message_frames();
    if (!message_->blocked()) patience_.queue_gave_credit(now.mono);
    after_body_advanced();
    return actions();
}

Actions SmtpSession::on(const links::Committed& committed, Moment now) {
    now_ = now;
    if (state_ != State::committing || message_->transaction() != committed.transaction) {
        return actions();
    }
    const MessageId id = message_->id();
    say({250, "2.0.0", "Ok: queued as " + id.text()});
    ++accepted_;
    budget_.renew();
    patience_.progressed(now.mono);
    end_transaction();
    return actions();
}

Actions SmtpSession::on(const links::Rejected& rejected, Moment now) {
    now_ = now;
    if (!message_ || message_->transaction() != rejected.transaction) return actions();
    const links::Refusal& no = rejected.refusal;
    const Reply reply = holdfast::refusal(no.code, no.enhanced, no.text);
    const bool was_blocked = message_->blocked();
    message_->refused_by_queue(reply);
    if (state_ == State::committing || was_blocked) after_body_advanced();
    return actions();
}

Actions SmtpSession::on_queue(Queue queue, Moment now) {
    now_ = now;
    queue_ = queue;
    if (question_) answer_question(queue_absent());
    if (message_ && message_->begun()) {
        const bool was_blocked = message_->blocked();
        message_->refused_by_queue(queue_absent());
        if (state_ == State::committing || was_blocked) after_body_advanced();
    }
    return actions();
}

void SmtpSession::end_transaction() {
    state_ = helo_.empty() ? State::fresh : State::ready;
    sender_.clear();
    eight_bit_ = false;
    recipients_.clear();
    message_.reset();
    patience_.transaction_ended(now_.mono);
    leave_if_drained();
}

Actions SmtpSession::on_drain(Grace grace, Moment now) {
    now_ = now;
    patience_.drain(grace);
    leave_if_drained();
    return actions();
}

void SmtpSession::leave_if_drained() {
    if (!between_transactions() || !patience_.drain_is_over(Waiting::next, now_.mono)) return;
    finish(Reason::draining, restarting());
}

Reply SmtpSession::restarting() const {
    return {421, "4.3.2", policy_.hostname + " is restarting; connect again"};
}

MonoTime SmtpSession::displaceable_at() const {
    if (between_transactions() || state_ == State::securing)
        return patience_.idle_since() + idle_before_displaced;
    const bool silent = state_ == State::recipients && !question_;
    return silent ? patience_.idle_since() + silent_before_displaced : MonoTime::max();
}

Actions SmtpSession::on_displaced(Moment now) {
    now_ = now;
    finish(Reason::displaced, {421, "4.3.2", "too many connections, and yours was idle"});
    return actions();
}

Actions SmtpSession::on_client_left(Moment now, const std::string& why) {
    now_ = now;
    if (state_ == State::securing) return on_handshake_failed(why, now);
    if (state_ != State::finished) finish(Reason::client_left);
    return actions();
}

Waiting SmtpSession::waiting() const {
    if (state_ == State::committing) return Waiting::commit;
    if (state_ == State::securing) return Waiting::handshake;
    if (state_ == State::body) return message_->blocked() ? Waiting::credit : Waiting::body;
    if (between_transactions()) return Waiting::next;
    return question_ ? Waiting::answer : Waiting::command;
}

MonoTime SmtpSession::deadline() const {
    return state_ == State::finished ? MonoTime::max() : patience_.deadline(waiting());
}

Actions SmtpSession::on_deadline(Moment now) {
    now_ = now;
    if (now.mono < deadline()) return actions();
    switch (waiting()) {
        case Waiting::answer:
            answer_question(outcome_unknown());
            break;
        case Waiting::commit:
            // Whether qmgr will still commit it is unknown, as after a crash.
            refuse(Subject::message, outcome_unknown());
            break;
        case Waiting::credit:
            message_->refuse(outcome_unknown());
            patience_.queue_gave_credit(now.mono);
            after_body_advanced();
            break;
        case Waiting::handshake:
            return on_handshake_failed(patience_.drain_is_over(waiting(), now.mono)
                                           ? "restarting, and the client was too slow"
                                           : "the client took too long",
                                       now);
        case Waiting::next:
        case Waiting::command:
        case Waiting::body:
            if (patience_.drain_is_over(waiting(), now.mono)) {
                finish(Reason::draining, restarting());
            } else {
                finish(Reason::timeout, {421, "4.4.2", policy_.hostname + " timed out"});
            }
    }
    return actions();
}

Reply SmtpSession::queue_absent() {
    return {451, "4.3.0", "mail system is not ready; try again later"};
}

void SmtpSession::say(const Reply& reply) {
    replies_ += to_wire(reply);
}

// A refused message ends its transaction, so that nothing of it is left for the next (F20).
void SmtpSession::refuse(Subject subject, const Reply& reply, const std::string& recipient) {
    if (reply.permanent()) budget_.refused(subject);
    note_refusal({subject, helo_, sender_, recipient, reply});
    say(reply);
    if (subject == Subject::message) end_transaction();
    if (budget_.exhausted()) {
        finish(Reason::too_many_errors, {421, "4.7.0", "too many errors"});
    }
}

void SmtpSession::note_refusal(Refused refused) {
    ++refused_;
    const unsigned bit = 1U << static_cast<unsigned>(refused.subject);
    const bool noted = (refusals_noted_ & bit) != 0;
    if (noted && refused.subject != Subject::recipient) return;
    refusals_noted_ |= bit;
    facts_.emplace_back(std::move(refused));
}

void SmtpSession::finish(Reason reason, const Reply& last) {
    if (state_ == State::finished) return;
    say(last);
    finish(reason);
}

void SmtpSession::finish(Reason reason) {
    Ended ended{reason, helo_, accepted_, refused_, {}, tls_};
    if (state_ == State::committing) ended.unanswered = message_->id();
    if (state_ == State::body) {
        message_->refuse({});
        send_message_frames();
    }
    state_ = State::finished;
    question_.reset();
    message_.reset();
    facts_.emplace_back(std::move(ended));
}

// They come round after 2^24 commands, long after the answers to the first.
std::uint64_t SmtpSession::next_number() {
    serial_ = (serial_ + 1) & ((std::uint64_t{1} << serial_bits) - 1);
    return number_ << serial_bits | serial_;
}

}  // namespace holdfast::smtpin
