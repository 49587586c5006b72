#include "smtpd/smtpin/connection.h"

#include <utility>

#include "smtpd/smtpin/sessions.h"

namespace holdfast::smtpin {

namespace {

// Input that is kept while it cannot be used; also what one read takes.
constexpr std::size_t max_input = 32 * 1024;
// Replies that a client has not read: behind that we stop to hear its commands.
constexpr std::size_t max_unread = 64 * 1024;
// How long a client may take to close its side, once we have closed ours.
constexpr Duration linger_time = std::chrono::seconds(2);

}  // namespace

Connection::Connection(Sessions& sessions, Arrival arrival, SessionNumber number)
    : sessions_(sessions),
      loop_(sessions.loop()),
      client_(std::move(arrival.client)),
      number_(number),
      since_(loop_.now()),
      session_(sessions.policy(), number,
               {client_.literal(), client_.with_port(), arrival.tls, arrival.may_relay}, since_),
      stream_(loop_, std::move(arrival.socket), max_input,
              {[this](std::string_view input) { return on_input(input); },
               [this](const tls::End& end) { on_end(end); }, [this] { resume(); }}),
      timer_(loop_, [this] { on_timer(); }) {}

void Connection::begin(SmtpSession::Queue queue) {
    stream_.want_read(true);
    perform(session_.begin(queue, now()));
}

bool Connection::can_read() const {
    return session_.takes_input() && stream_.unsent() <= max_unread && !sessions_.congested();
}

// A client that waits for our reply sends nothing, so the readiness of its socket is taken back
// only when it does send.
std::size_t Connection::on_input(std::string_view input) {
    if (!can_read()) {
        pause();
        return 0;
    }
    Actions actions = session_.on_input(input, now());
    const std::size_t used = actions.used;
    perform(std::move(actions));
    if (input.size() - used > max_input / 2) pause();
    return used;
}

void Connection::pause() {
    paused_ = true;
    stream_.want_read(false);
}

void Connection::resume() {
    if (finished_ || !can_read()) return;
    if (std::exchange(paused_, false)) {
        stream_.want_read(true);
    } else {
        stream_.redeliver();
    }
}

void Connection::on_queue(SmtpSession::Queue queue) {
    perform(session_.on_queue(queue, now()));
    resume();
}

void Connection::on_drain(Grace grace) {
    perform(session_.on_drain(grace, now()));
}

// Nothing in here destroys the connection.
void Connection::perform(Actions actions) {
    for (auto& frame : actions.for_queue) sessions_.send(std::move(frame));
    if (!actions.for_client.empty()) stream_.write(actions.for_client);
    write_facts(actions);
    if (actions.finish) {
        finish();
    } else {
        set_timer(session_.deadline());
        if (actions.start_tls) start_tls();
    }
}

// The reply to STARTTLS leaves before it begins.
void Connection::start_tls() {
    auto handshake = sessions_.certificates().begin_handshake();
    if (!handshake) {
        return perform(session_.on_handshake_failed("no certificate is in use", now()));
    }
    handshake_ = std::move(handshake->hold);
    stream_.start_tls(handshake->context, [this](const tls::Secured& facts) { on_secured(facts); });
}

void Connection::on_secured(const tls::Secured& facts) {
    handshake_.reset();
    if (finished_) return;
    perform(session_.on_secured(facts, now()));
    resume();
}

void Connection::write_facts(const Actions& actions) const {
    for (const Fact& fact : actions.facts) {
        report(fact, client_.with_port(), loop_.now() - since_);
    }
}

void Connection::displace() {
    finished_ = true;
    const Actions actions = session_.on_displaced(now());
    stream_.part_with(actions.for_client);
    write_facts(actions);
}

void Connection::finish() {
    if (std::exchange(finished_, true)) return;
    handshake_.reset();
    stream_.finish();
    timer_at_ = MonoTime::max();
    set_timer(loop_.now() + linger_time);
}

// Deadlines mostly move into the future: the timer is left alone then and looks again when it
// fires.
void Connection::set_timer(MonoTime deadline) {
    if (deadline >= timer_at_) return;
    timer_at_ = deadline;
    timer_.set(deadline - loop_.now());
}

void Connection::on_timer() {
    if (finished_) return sessions_.over(number_);
    timer_at_ = MonoTime::max();
    perform(session_.on_deadline(now()));
    resume();
}

void Connection::on_end(const tls::End& end) {
    if (!finished_) perform(session_.on_client_left(now(), end.reason));
    sessions_.over(number_);
}

}  // namespace holdfast::smtpin
