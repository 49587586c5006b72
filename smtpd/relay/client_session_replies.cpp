// What a session makes of each reply, from the greeting to a transaction's.
#include <utility>

#include "smtpd/relay/client_session.h"

namespace holdfast::relay {

namespace {

constexpr std::uint16_t service_closing = 421;
constexpr std::uint16_t challenge = 334;

std::string status_or(const ServerReply& reply, std::string_view otherwise) {
    const std::string_view status = reply.transient() ? enhanced_status(reply) : "";
    return std::string(status.empty() ? otherwise : status);
}

}  // namespace

// What texts call that which the server answers now.
std::string_view ClientSession::asked() const {
    switch (state_) {
        case State::greeting:
            return "greeting";
        case State::hello:
            return plan_.protocol == links::RelayProtocol::lmtp ? "LHLO" : "EHLO";
        case State::plain_hello:
            return "HELO";
        case State::starttls:
            return "STARTTLS";
        case State::login:
            return "AUTH";
        case State::fresh:
        case State::securing:
        case State::idle:
        case State::transaction:
        case State::quitting:
        case State::ended:
            break;
    }
    return "unasked";
}

void ClientSession::say(std::string_view command) {
    pending_.bytes.append(command).append("\r\n");
}

void ClientSession::take_reply(const ServerReply& reply) {
    switch (state_) {
        case State::greeting:
        case State::hello:
        case State::plain_hello:
        case State::starttls:
        case State::login:
            return take_set_up_reply(reply);
        case State::transaction:
            return on_progress(mail_->on_reply(reply));
        case State::quitting:
            return end();
        case State::fresh:
        case State::securing:
        case State::idle:
        case State::ended:
            return;
    }
}

// A server may say at any time that it is closing (RFC 5321 section 3.8), and refuse a message
// while it comes in.
void ClientSession::take_unasked(const ServerReply& reply) {
    if (state_ == State::quitting) return end();
    if (state_ == State::transaction && mail_->takes_body() && mail_->replies_due() == 0) {
        return on_progress(mail_->on_reply(reply));
    }
    const bool closing = reply.code == service_closing;
    fail({links::Way::unreachable, status_or(reply, closing ? "4.3.2" : "4.5.0"),
          answer_text("unasked", reply)},
         Leave::cut);
}

void ClientSession::take_set_up_reply(const ServerReply& reply) {
    if (reply.code == service_closing) return refuse_set_up(reply);
    const bool goes_on = !reply.positive() && !reply.transient() && !reply.permanent();
    if (goes_on && (state_ != State::login || reply.code != challenge)) {
        return fail_as_nonsense(reply);
    }
    if (state_ == State::login) return on_login(reply);
    if (state_ == State::hello) return on_hello(reply);
    if (state_ == State::starttls) return on_starttls(reply);
    if (!reply.positive()) return refuse_set_up(reply);
    if (state_ == State::greeting) return say_hello();
    after_hello();  // HELO: what is offered is nothing
}

void ClientSession::say_hello() {
    state_ = State::hello;
    say(std::string(asked()) + " " + plan_.hostname);
}

bool ClientSession::can_do_without_extensions() const {
    return plan_.protocol == links::RelayProtocol::smtp && plan_.credentials.user.empty() &&
           (secure_ || plan_.tls != links::RelayTls::required);
}

// RFC 5321 section 3.2: a server that knows no EHLO may know HELO.
void ClientSession::on_hello(const ServerReply& reply) {
    if (reply.positive()) {
        server_.extensions = read_extensions(reply);
        return after_hello();
    }
    if (!reply.permanent() || plan_.protocol == links::RelayProtocol::lmtp) {
        return refuse_set_up(reply);
    }
    if (!can_do_without_extensions()) {
        return fail({links::Way::broken, "4.7.0", answer_text(asked(), reply)}, Leave::quit);
    }
    state_ = State::plain_hello;
    say("HELO " + plan_.hostname);
}

void ClientSession::after_hello() {
    if (!secure_ && plan_.tls != links::RelayTls::none) {
        if (server_.extensions.starttls) {
            state_ = State::starttls;
            return say("STARTTLS");
        }
        if (plan_.tls == links::RelayTls::required) {
            return fail({links::Way::broken, "4.7.0", "the server does not offer STARTTLS"},
                        Leave::quit);
        }
    }
    begin_login();
}

// A server that offers TLS and then has none may still get the mail where plain would have been
// good enough from the start.
void ClientSession::on_starttls(const ServerReply& reply) {
    if (reply.positive()) return begin_handshake();
    if (plan_.tls == links::RelayTls::required) {
        return fail({links::Way::broken, "4.7.0", answer_text(asked(), reply)}, Leave::quit);
    }
    begin_login();
}

void ClientSession::begin_login() {
    if (plan_.credentials.user.empty()) return become_ready();
    const bool in_clear_is_fine = secure_ || plan_.tls == links::RelayTls::none;
    login_.emplace(plan_.credentials, plan_.nonce,
                   Login::Terms{server_.extensions.auth,
                                in_clear_is_fine ? ClearSecret::allowed : ClearSecret::forbidden});
    const auto line = login_->begin();
    if (!line) return fail({links::Way::broken, "4.7.0", line.error().text()}, Leave::quit);
    state_ = State::login;
    pending_.bytes += *line;
}

// In the middle of an exchange the server takes what it hears for an answer: then there is no
// goodbye.
void ClientSession::on_login(const ServerReply& reply) {
    if (reply.transient()) return refuse_set_up(reply);
    const auto line = login_->on_reply(reply);
    if (!line) {
        const bool listens = reply.positive() || reply.permanent();
        return fail({links::Way::broken, "4.7.8", line.error().text()},
                    listens ? Leave::quit : Leave::cut);
    }
    if (*line) {
        pending_.bytes += **line;
        return;
    }
    login_.reset();
    plan_.credentials.secret.clear();
    become_ready();
}

void ClientSession::become_ready() {
    state_ = State::idle;
    if (waiting_) {
        begin_transaction(*std::exchange(waiting_, std::nullopt));
    } else {
        pending_.idle = true;
    }
}

void ClientSession::on_progress(const std::expected<void, Failure>& progress) {
    if (progress) return follow_transaction();
    const bool listens = progress.error().way == links::Way::broken;
    fail(progress.error(), listens ? Leave::quit : Leave::cut);
}

void ClientSession::refuse_set_up(const ServerReply& reply) {
    const Leave leave = reply.code == service_closing ? Leave::cut : Leave::quit;
    fail({links::Way::unreachable, status_or(reply, "4.3.2"), answer_text(asked(), reply)}, leave);
}

void ClientSession::fail_as_nonsense(const ServerReply& reply) {
    fail({links::Way::unreachable, "4.5.0",
          "not an answer that makes sense, " + answer_text(asked(), reply)},
         Leave::cut);
}

}  // namespace holdfast::relay
