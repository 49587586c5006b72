#include "smtpd/relay/connection.h"

#include <algorithm>
#include <utility>

namespace holdfast::relay {

namespace {

constexpr std::size_t max_input = 32 * 1024;
// So much waits for the socket before the next piece of a body is asked for.
constexpr std::size_t enough_unsent = 64 * 1024;

SessionPlan plan_of(Connection::Setup& setup) {
    SessionPlan plan;
    plan.protocol = setup.plan.protocol;
    plan.tls = setup.tls;
    plan.implicit_tls = setup.plan.implicit_tls;
    plan.host = setup.plan.host;
    plan.hostname = std::move(setup.hostname);
    plan.credentials = std::move(setup.arrived.credentials);
    plan.nonce = std::move(setup.nonce);
    return plan;
}

}  // namespace

std::string distrust(const links::RelayPlan& plan, const tls::PeerCertificate& peer) {
    if (plan.pins.empty()) return peer.distrust;
    const bool pinned = std::ranges::any_of(plan.pins, [&peer](const std::string& pin) {
        return pin == peer.fingerprint || pin == peer.key_fingerprint;
    });
    if (pinned) return {};
    return "it has neither of the pins: its SHA-256 is " + peer.fingerprint + ", its key's " +
           peer.key_fingerprint;
}

Connection::Connection(Loop& loop, Setup setup)
    : loop_(loop),
      plan_(setup.plan),
      tls_(setup.tls),
      context_(std::move(setup.arrived.context)),
      session_(plan_of(setup)),
      stream_(loop, std::move(setup.arrived.socket), max_input,
              {[this](std::string_view input) { return on_input(input); },
               [this](const tls::End& end) { on_end(end); }, [this] { on_drained(); }}),
      timer_(loop, [this] { perform(session_.on_deadline(loop_.now())); }) {}

void Connection::begin() {
    stream_.want_read(true);
    perform(session_.begin(loop_.now()));
}

// --- What its owner asks for ---------------------------------------------------------------------

void Connection::transact(Transaction transaction) {
    ++transactions_;
    perform(session_.transact(std::move(transaction), loop_.now()));
}

bool Connection::takes_body() const {
    return bringing_ && session_.takes_body() && stream_.unsent() < enough_unsent;
}

bool Connection::takes_end() const {
    return bringing_ && session_.takes_body() && stream_.unsent() == 0;
}

void Connection::body(std::string_view piece, std::uint64_t chunks) {
    perform(session_.body(piece, chunks, loop_.now()));
}

void Connection::end_body(std::string_view piece) {
    bringing_ = false;
    perform(session_.end_body(piece, loop_.now()));
}

void Connection::body_failed(std::string_view why) {
    bringing_ = false;
    perform(session_.on_body_failed(why, loop_.now()));
}

void Connection::quit() {
    perform(session_.quit(loop_.now()));
}

// --- What the stream brings ----------------------------------------------------------------------

std::size_t Connection::on_input(std::string_view input) {
    if (ended_) return input.size();
    perform(session_.on_input(input, loop_.now()));
    ask_for_more_later();  // the reply to a chunk makes room
    return input.size();
}

void Connection::ask_for_more_later() {
    if (bringing_) loop_.after_turn(life_.guard([this] { on_drained(); }));
}

void Connection::on_end(const tls::End& end) {
    if (!ended_) perform(session_.on_closed(end.reason, loop_.now()));
}

void Connection::on_drained() {
    if (ended_ || !bringing_ || !callbacks_.on_room) return;
    const auto tell = callbacks_.on_room;
    tell();
}

void Connection::start_tls() {
    if (!context_) return perform(session_.on_handshake_failed("TLS is not set up", loop_.now()));
    stream_.start_tls_client(*context_, plan_.host,
                             [this](const tls::Secured& secured) { on_secured(secured); });
}

void Connection::on_secured(const tls::Secured& secured) {
    const std::string flaw = distrust(plan_, secured.peer);
    if (!flaw.empty() && tls_ == links::RelayTls::required) {
        return perform(session_.on_handshake_failed(
            "the certificate of " + plan_.host + " is not trusted: " + flaw, loop_.now()));
    }
    const Trust trust = flaw.empty() ? Trust::verified : Trust::unverified;
    perform(session_.on_secured({trust, secured.discarded}, loop_.now()));
}

// --- What the session decides --------------------------------------------------------------------

void Connection::perform(Actions actions) {
    if (actions.about_to_end && callbacks_.on_final) callbacks_.on_final();
    if (!actions.bytes.empty()) stream_.write(actions.bytes);
    if (actions.send_body) bringing_ = true;
    if (actions.stop_body) bringing_ = false;
    ended_ = ended_ || actions.close;
    set_timer();
    if (actions.start_tls) start_tls();
    tell_later(std::move(actions));
}

// Nobody is called back in the middle of what he does.
void Connection::tell_later(Actions actions) {
    const bool silent = !actions.stop_body && !actions.send_body && !actions.finished &&
                        !actions.idle && !actions.failure && !actions.close;
    if (silent) return;
    loop_.after_turn(life_.guard([this, actions = std::move(actions)] { tell(actions); }));
}

// Each call may be the last: what it does may end this.
void Connection::tell(const Actions& actions) {
    const auto alive = life_.token();
    const Callbacks callbacks = callbacks_;
    if (actions.stop_body && callbacks.on_stop) callbacks.on_stop();
    if (!alive.expired() && actions.send_body && callbacks.on_body) {
        callbacks.on_body(*actions.send_body);
    }
    if (!alive.expired() && actions.finished && callbacks.on_finished) {
        callbacks.on_finished(*actions.finished);
    }
    if (!alive.expired() && actions.idle && callbacks_.on_idle) {
        const auto tell = callbacks_.on_idle;
        tell();
    }
    const bool over = actions.close || actions.failure;
    if (alive.expired() || !over || !callbacks_.on_end) return;
    const auto tell = std::exchange(callbacks_, {}).on_end;
    ended_ = true;
    tell({actions.failure.value_or(Failure{links::Way::usable, {}, {}}), actions.plain_may_help});
}

void Connection::set_timer() {
    const MonoTime deadline = session_.deadline();
    if (ended_ || deadline == MonoTime::max()) return timer_.cancel();
    timer_.set(std::max(deadline - loop_.now(), Duration::zero()));
}

}  // namespace holdfast::relay
