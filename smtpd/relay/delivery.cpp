#include "smtpd/relay/delivery.h"

#include <algorithm>
#include <utility>

#include "smtpd/relay/nonce.h"

namespace holdfast::relay {

namespace {

// RFC 3463 section 3.7: the message would have to be converted, and cannot be.
constexpr std::string_view cannot_convert = "5.6.3";

bool settles(const links::SentRecipient& one) {
    return one.outcome.verdict != Verdict::retry;
}

}  // namespace

Delivery::Delivery(House& house, links::Send send, std::function<void()> on_over)
    : house_(house),
      send_(std::move(send)),
      on_over_(std::move(on_over)),
      body_(send_.job, send_.length, [this](links::Pull pull) { house_.tell(pull); }),
      scan_(house.means.config.rewrite),
      order_(house.pool.in_order(send_.relays)) {
    house_.means.loop.after_turn(life_.guard([this] { scan(); }));
}

// --- The message ---------------------------------------------------------------------------------

void Delivery::scan() {
    body_.next();
    if (body_.at_end()) scanned({});
}

void Delivery::scanned(std::string_view piece) {
    scan_.feed(piece);
    if (!body_.at_end()) {
        body_.next();
        return;
    }
    facts_ = scan_.finish();
    try_next();
}

void Delivery::on(links::BodyBytes&& bytes) {
    const std::string piece = body_.take(std::move(bytes));
    if (state_ == State::scanning && !piece.empty()) return scanned(piece);
    if (state_ != State::talking || !outgoing_) return;
    if (!piece.empty()) send_piece(piece);
    pump();
}

// qmgr cannot read it: nothing of it may count.
void Delivery::on(links::Withdraw&&) {
    const std::string why = "the message could not be read from the queue";
    if (state_ == State::talking && outgoing_) return connection_->body_failed(why);
    why_ = {why};
    give_up();
}

// --- The relays ----------------------------------------------------------------------------------

void Delivery::try_next() {
    state_ = State::reaching;
    if (tried_ >= order_.size()) return give_up();
    secured_ = true;
    auto kept = house_.pool.take(relay());
    reused_ = kept != nullptr;
    if (reused_) return use(std::move(kept));
    reach(plan().tls);
}

void Delivery::reach(links::RelayTls tls) {
    approach_ = std::make_unique<Approach>(
        house_.means, plan(),
        life_.guard([this, tls](std::expected<Approach::Arrived, Failure> arrived) {
            reached(std::move(arrived), tls);
        }));
}

void Delivery::reached(std::expected<Approach::Arrived, Failure> arrived, links::RelayTls tls) {
    house_.means.loop.after_turn([gone = std::shared_ptr<Approach>(std::move(approach_))] {});
    if (!arrived) return failed(arrived.error());
    auto nonce = fresh_nonce();
    if (!nonce) return failed({links::Way::unreachable, "4.3.0", nonce.error().text()});
    use(std::make_unique<Connection>(house_.means.loop,
                                     Connection::Setup{plan(), tls, house_.means.config.hostname,
                                                       std::move(*nonce), std::move(*arrived)}));
    connection_->begin();
}

void Delivery::use(std::unique_ptr<Connection> connection) {
    connection_ = std::move(connection);
    Connection::Callbacks callbacks;
    callbacks.on_idle = [this] {
        if (state_ == State::reaching) begin();
    };
    callbacks.on_body = [this](BodyForm form) { bring(form); };
    callbacks.on_room = [this] { pump(); };
    callbacks.on_stop = [this] { outgoing_.reset(); };
    callbacks.on_final = [this] { house_.tell_at_once(links::FinalDot{send_.job}); };
    callbacks.on_finished = [this](Transacted transacted) { finished(std::move(transacted)); };
    callbacks.on_end = [this](const Connection::Callbacks::End& end) { ended(end); };
    connection_->serve(std::move(callbacks));
    if (reused_) begin();
}

Octets Delivery::octets() const {
    const Extensions& offered = connection_->extensions();
    if (send_.utf8 && offered.utf8) return Octets::utf8;
    return offered.eight_bit ? Octets::eight_bit_body : Octets::seven_bit;
}

void Delivery::begin() {
    if (const auto hindrance = obstacle(facts_, octets())) return refuse(*hindrance);
    state_ = State::talking;
    connection_->transact(transaction());
}

Transaction Delivery::transaction() const {
    Transaction result;
    result.sender = rewrite_sender(house_.means.config.rewrite, send_.sender);
    result.recipients = send_.recipients;
    result.size = send_.length;
    result.eight_bit = facts_.body_eight_bit() || facts_.header_eight_bit();
    result.utf8 = send_.utf8;
    result.require_tls = send_.require_tls;
    result.ret = send_.ret;
    result.envid = send_.envid;
    return result;
}

// --- The body ------------------------------------------------------------------------------------

void Delivery::bring(BodyForm form) {
    const Octets taken = send_.utf8       ? Octets::utf8
                         : form.eight_bit ? Octets::eight_bit_body
                                          : Octets::seven_bit;
    outgoing_.emplace(house_.means.config.rewrite, facts_, OutgoingForm{form.form, taken});
    body_.rewind();
    flushed_ = false;
    pump();
}

void Delivery::send_piece(std::string_view piece) {
    const std::string bytes = outgoing_->feed(piece);
    connection_->body(bytes, outgoing_->chunks());
}

void Delivery::pump() {
    while (outgoing_ && connection_ && connection_->takes_body()) {
        if (body_.at_end()) return end_body();
        const std::string piece = body_.next();
        if (piece.empty()) return;
        send_piece(piece);
    }
}

// The end leaves when all before it has, and the server has said yes to each chunk.
void Delivery::end_body() {
    if (!std::exchange(flushed_, true)) {
        const std::string rest = outgoing_->flush();
        connection_->body(rest, outgoing_->chunks());
    }
    if (!outgoing_ || !connection_ || !connection_->takes_end()) return;
    const std::string end = outgoing_->finish();
    outgoing_.reset();
    connection_->end_body(end);
}

// --- What came of it -----------------------------------------------------------------------------

void Delivery::finished(Transacted transacted) {
    outgoing_.reset();
    const bool told = std::ranges::any_of(transacted.recipients, settles);
    const bool usable = transacted.way == links::Way::usable;
    if (usable) house_.pool.worked(relay());
    if (usable || told || transacted.uncertain) {
        links::Sent sent{send_.job, std::move(transacted.recipients),
                         told ? links::Way::usable : transacted.way, std::move(transacted.why),
                         transacted.uncertain};
        return conclude(std::move(sent));
    }
    const std::string enhanced = transacted.recipients.front().outcome.enhanced;
    failed({transacted.way, enhanced, transacted.why});
}

void Delivery::ended(const Connection::Callbacks::End& end) {
    if (state_ == State::over) return;
    const bool plain = end.plain_may_help && secured_ &&
                       plan().tls == links::RelayTls::opportunistic && !plan().implicit_tls;
    if (!plain) return failed(end.failure);
    release();
    secured_ = false;
    state_ = State::reaching;
    reach(links::RelayTls::none);
}

// A connection that had served before may just have been closed for that: a fresh one tells.
void Delivery::failed(const Failure& failure) {
    release();
    if (std::exchange(reused_, false)) {
        state_ = State::reaching;
        return reach(plan().tls);
    }
    house_.pool.failed(relay());
    const bool several = order_.size() > 1;
    why_.push_back(several ? plan().name + ": " + failure.why : failure.why);
    if (failure.way == links::Way::broken) way_ = links::Way::broken;
    enhanced_ = failure.enhanced;
    ++tried_;
    try_next();
}

// None of them: a failure of ours among theirs is what there is something to be done about.
void Delivery::give_up() {
    links::Sent sent{send_.job, {}, way_, {}, false};
    for (const std::string& why : why_) sent.why += (sent.why.empty() ? "" : "; ") + why;
    const Outcome outcome = retry(enhanced_.empty() ? "4.3.0" : enhanced_, sent.why);
    sent.recipients.resize(send_.recipients.size(), {outcome, false});
    conclude(std::move(sent));
}

void Delivery::refuse(const Obstacle& obstacle) {
    const Outcome outcome = refused(cannot_convert, obstacle.text);
    links::Sent sent{send_.job, {}, links::Way::usable, {}, false};
    sent.recipients.resize(send_.recipients.size(), {outcome, false});
    conclude(std::move(sent));
}

void Delivery::conclude(links::Sent sent) {
    state_ = State::over;
    house_.tell(std::move(sent));
    release();
    house_.means.loop.after_turn(life_.guard([this] {
        const auto over = on_over_;
        over();
    }));
}

// The connection serves others, or is at its end; its own callback may be what brought us here.
void Delivery::release() {
    outgoing_.reset();
    if (!connection_) return;
    if (!connection_->over()) return house_.pool.keep(relay(), std::move(connection_));
    connection_->serve({});
    house_.means.loop.after_turn([gone = std::shared_ptr<Connection>(std::move(connection_))] {});
}

}  // namespace holdfast::relay
