#include "smtpd/relay/client_session.h"

#include <utility>

#include "smtpd/base/panic.h"
#include "smtpd/base/quote.h"

namespace holdfast::relay {

namespace {

Phase phase_of(std::optional<MailTransaction::Command> awaited) {
    using Command = MailTransaction::Command;
    if (!awaited) return Phase::block;
    switch (*awaited) {
        case Command::mail:
            return Phase::mail;
        case Command::rcpt:
            return Phase::recipient;
        case Command::data:
            return Phase::data;
        case Command::chunk:
            return Phase::block;
        case Command::end:
        case Command::empty_end:
            return Phase::end;
        case Command::reset:
            break;
    }
    return Phase::reset;
}

Failure plain_behind_starttls() {
    return {links::Way::unreachable, "4.5.0", "bytes in plain behind the leave to start TLS"};
}

std::string with_reason(std::string text, std::string_view why) {
    if (!why.empty()) text += " (" + harmless(why) + ")";
    return text;
}

}  // namespace

ClientSession::ClientSession(SessionPlan plan) : plan_(std::move(plan)) {
    server_.protocol = plan_.protocol;
    server_.place = plan_.host;
}

Actions ClientSession::begin(MonoTime now) {
    now_ = now;
    deadlines_.set_up_began(now);
    progressed_ = true;
    if (plan_.implicit_tls) {
        begin_handshake();
    } else {
        state_ = State::greeting;
    }
    return actions();
}

Phase ClientSession::phase() const {
    switch (state_) {
        case State::securing:
            return Phase::handshake;
        case State::greeting:
            return Phase::greeting;
        case State::hello:
        case State::plain_hello:
            return Phase::hello;
        case State::starttls:
            return Phase::starttls;
        case State::login:
            return Phase::login;
        case State::transaction:
            return phase_of(mail_->awaited());
        case State::quitting:
            return Phase::quit;
        case State::fresh:
        case State::idle:
        case State::ended:
            break;
    }
    return Phase::none;
}

// Patience begins anew with what is done or heard in whole, not with bytes.
Actions ClientSession::actions() {
    if (std::exchange(progressed_, false)) deadlines_.wait_for(phase(), now_);
    due_ = replies_due();
    return std::exchange(pending_, {});
}

// What is in this input cannot answer what is said because of it: more replies than commands had
// been sent are as many that nobody asked for.
Actions ClientSession::on_input(std::string_view input, MonoTime now) {
    now_ = now;
    while (!input.empty() && state_ != State::ended) {
        if (state_ == State::securing) {
            fail(plain_behind_starttls(), Leave::cut);
            break;
        }
        const auto taken = reader_.take(input);
        if (!taken) {
            fail({links::Way::unreachable, "4.5.0", taken.error().text()}, Leave::cut);
            end();
            break;
        }
        input.remove_prefix(taken->used);
        if (!taken->reply) break;
        const bool asked_for = !std::exchange(unasked_, false) && due_ > 0;
        if (asked_for) --due_;
        progressed_ = true;
        asked_for ? take_reply(*taken->reply) : take_unasked(*taken->reply);
    }
    unasked_ |= due_ == 0 && reader_.within_reply();
    return actions();
}

std::size_t ClientSession::replies_due() const {
    switch (state_) {
        case State::greeting:
        case State::hello:
        case State::plain_hello:
        case State::starttls:
        case State::login:
        case State::quitting:
            return 1;
        case State::transaction:
            return mail_->replies_due();
        case State::fresh:
        case State::securing:
        case State::idle:
        case State::ended:
            break;
    }
    return 0;
}

// --- TLS -----------------------------------------------------------------------------------------

void ClientSession::begin_handshake() {
    state_ = State::securing;
    pending_.start_tls = true;
}

// RFC 3207 section 4.2: what was learned before is forgotten.
Actions ClientSession::on_secured(const Handshake& handshake, MonoTime now) {
    now_ = now;
    if (state_ != State::securing) return actions();
    progressed_ = true;
    if (handshake.discarded != 0) {
        fail(plain_behind_starttls(), Leave::cut);
    } else if (plan_.tls == links::RelayTls::required && handshake.trust != Trust::verified) {
        fail_handshake(links::Way::broken, "the server's certificate is not trusted");
    } else {
        secure_ = true;
        server_.trust = handshake.trust;
        server_.extensions = {};
        reader_ = {};
        state_ = State::greeting;
        if (!plan_.implicit_tls) say_hello();
    }
    return actions();
}

Actions ClientSession::on_handshake_failed(std::string_view why, MonoTime now) {
    now_ = now;
    if (state_ != State::securing) return actions();
    const bool ours = plan_.tls == links::RelayTls::required;
    fail_handshake(ours ? links::Way::broken : links::Way::unreachable,
                   with_reason("the TLS handshake failed", why));
    return actions();
}

void ClientSession::fail_handshake(links::Way way, std::string_view why) {
    const bool needs_tls = waiting_ && waiting_->require_tls;
    pending_.plain_may_help =
        plan_.tls == links::RelayTls::opportunistic && !plan_.implicit_tls && !needs_tls;
    fail({way, "4.7.5", std::string(why)}, Leave::cut);
}

// --- Transactions --------------------------------------------------------------------------------

Actions ClientSession::transact(Transaction transaction, MonoTime now) {
    now_ = now;
    if (waiting_ || (mail_ && !reported_)) panic("a session was given a second transaction");
    if (state_ == State::idle) {
        begin_transaction(std::move(transaction));
    } else {
        waiting_ = std::move(transaction);
    }
    if (state_ == State::quitting || state_ == State::ended) {
        report({links::Way::unreachable, "4.4.2", "the connection has ended"});
    }
    return actions();
}

void ClientSession::begin_transaction(Transaction transaction) {
    state_ = State::transaction;
    reported_ = false;
    rounds_ = 0;
    progressed_ = true;
    mail_.emplace(std::move(transaction), server_);
    mail_->start();
    follow_transaction();
}

// After every event of the transaction: what it wants done, and whether it is over.
void ClientSession::follow_transaction() {
    MailTransaction::Orders orders = mail_->take_orders();
    pending_.about_to_end |= orders.about_to_end;
    pending_.bytes += orders.bytes;
    pending_.stop_body |= orders.stop_body;
    if (orders.send_body) pending_.send_body = orders.send_body;
    if (std::exchange(rounds_, mail_->rounds()) != mail_->rounds()) deadlines_.round_began(now_);
    if (mail_->settled() && !std::exchange(reported_, true)) {
        pending_.finished = Transacted{mail_->results(), links::Way::usable, {}, false};
    }
    if (!mail_->at_rest()) return;
    mail_.reset();
    become_ready();
}

bool ClientSession::takes_body() const {
    return state_ == State::transaction && mail_->takes_body();
}

Actions ClientSession::body(std::string_view piece, std::uint64_t chunks, MonoTime now) {
    now_ = now;
    if (state_ != State::transaction) return actions();
    progressed_ = true;
    mail_->body(piece, chunks);
    deadlines_.body_went(piece.size());
    follow_transaction();
    return actions();
}

Actions ClientSession::end_body(std::string_view piece, MonoTime now) {
    now_ = now;
    if (state_ != State::transaction) return actions();
    progressed_ = true;
    mail_->end_body(piece);
    deadlines_.body_went(piece.size());
    follow_transaction();
    return actions();
}

// Behind its end it can no longer fail.
Actions ClientSession::on_body_failed(std::string_view why, MonoTime now) {
    now_ = now;
    const bool all_given = mail_ && (reported_ || mail_->uncertain());
    if (!waiting_ && (!mail_ || all_given)) return actions();
    fail({links::Way::usable, "4.3.0", with_reason("the message cannot be read", why)}, Leave::cut);
    return actions();
}

// --- Ends ----------------------------------------------------------------------------------------

Actions ClientSession::quit(MonoTime now) {
    now_ = now;
    if (state_ == State::idle) {
        state_ = State::quitting;
        progressed_ = true;
        say("QUIT");
    } else {
        fail({links::Way::usable, "4.3.2", "the session is ended from here"}, Leave::cut);
        end();
    }
    return actions();
}

Actions ClientSession::on_closed(std::string_view why, MonoTime now) {
    now_ = now;
    if (state_ == State::securing) {
        fail_handshake(links::Way::unreachable,
                       with_reason("the connection ended in the TLS handshake", why));
    } else if (state_ == State::idle) {
        fail({links::Way::unreachable, "4.4.2", with_reason("the server has left", why)},
             Leave::cut);
    } else {
        const std::string text = "connection lost, " + std::string(lack_of(phase()));
        fail({links::Way::unreachable, "4.4.2", with_reason(text, why)}, Leave::cut);
    }
    end();
    return actions();
}

Actions ClientSession::on_deadline(MonoTime now) {
    now_ = now;
    if (now < deadline()) return actions();
    const std::string what = deadlines_.what_passed(now);
    if (state_ == State::securing) {
        fail_handshake(links::Way::unreachable, what);
    } else {
        fail({links::Way::unreachable, "4.4.2", what}, Leave::cut);
    }
    end();
    return actions();
}

// What became of the transaction, now that the session has nothing more for it.
void ClientSession::report(const Failure& failure) {
    if (waiting_) {
        reported_ = false;
        mail_.emplace(*std::exchange(waiting_, std::nullopt), server_);
    }
    if (!mail_ || std::exchange(reported_, true)) return;
    const bool uncertain = mail_->uncertain();
    mail_->abandon(retry(failure.enhanced, failure.why));
    const bool usable = failure.way == links::Way::usable;
    pending_.finished =
        Transacted{mail_->results(), failure.way, usable ? "" : failure.why, uncertain};
}

// Once: a session that is leaving has nothing to add.
void ClientSession::fail(Failure failure, Leave leave) {
    if (state_ == State::quitting || state_ == State::ended) return;
    progressed_ = true;
    report(failure);
    mail_.reset();
    pending_.idle = false;
    pending_.start_tls = false;
    pending_.send_body.reset();
    pending_.failure = std::move(failure);
    if (leave == Leave::cut) return end();
    state_ = State::quitting;
    say("QUIT");
}

void ClientSession::end() {
    if (state_ == State::ended) return;
    state_ = State::ended;
    progressed_ = true;
    pending_.about_to_end = false;
    pending_.bytes.clear();
    pending_.close = true;
}

}  // namespace holdfast::relay
