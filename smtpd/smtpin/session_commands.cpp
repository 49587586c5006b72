// What each command does (RFC 5321 section 4.1).
#include <utility>

#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/smtpin/parameters.h"
#include "smtpd/smtpin/session.h"

namespace holdfast::smtpin {

namespace {

Reply not_offered() {
    return {502, "5.5.1", "command not offered"};
}

}  // namespace

void SmtpSession::do_command(std::string_view line) {
    const Command command = parse_command(line);
    switch (command.verb) {
        case Verb::helo:
        case Verb::ehlo:
            return do_hello(command);
        case Verb::mail:
            return do_mail(command.argument);
        case Verb::rcpt:
            return do_rcpt(command.argument);
        case Verb::data:
            return do_data(command.argument);
        case Verb::rset:
            return do_rset(command.argument);
        case Verb::noop:
            return say({250, "2.0.0", "Ok"});
        case Verb::quit:
            return finish(Reason::quit, {221, "2.0.0", "Bye"});
        case Verb::vrfy:
            return say({252, "2.0.0", "Not verified; send mail and see"});
        case Verb::help:
            return say({214, "2.0.0", "EHLO HELO STARTTLS MAIL RCPT DATA RSET NOOP QUIT"});
        case Verb::starttls:
            return do_starttls(command.argument);
        case Verb::not_offered:
            return refuse(Subject::command, not_offered());
        case Verb::foreign:
            return finish(Reason::foreign_protocol, {500, "5.5.2", "this is an SMTP server"});
        case Verb::unknown:
            return refuse(Subject::command, {500, "5.5.2", "unknown command"});
    }
}

// Also begins anew (RFC 5321 section 4.1.4).
void SmtpSession::do_hello(const Command& command) {
    if (!is_helo_name(command.argument)) {
        return refuse(Subject::command,
                      {501, "5.5.4", "a host name or address literal must follow"});
    }
    helo_ = command.argument;
    extended_ = command.verb == Verb::ehlo;
    if (extended_) {
        std::vector<std::string> lines{policy_.hostname, "PIPELINING",
                                       "SIZE " + std::to_string(policy_.max_message_bytes),
                                       "8BITMIME", "ENHANCEDSTATUSCODES"};
        if (offers_tls()) lines.emplace_back("STARTTLS");
        replies_ += to_wire(250, lines);
    } else {
        say({250, "", policy_.hostname});
    }
    end_transaction();
}

bool SmtpSession::offers_tls() const {
    return client_.tls == links::TlsMode::starttls && tls_.empty() && policy_.can_start_tls();
}

// RFC 3207 section 4.
void SmtpSession::do_starttls(std::string_view argument) {
    if (client_.tls == links::TlsMode::none) return refuse(Subject::command, not_offered());
    if (!argument.empty()) {
        return refuse(Subject::command, {501, "5.5.4", "STARTTLS takes no argument"});
    }
    if (!tls_.empty()) return refuse(Subject::command, {503, "5.5.1", "TLS is in use already"});
    if (state_ == State::recipients) {
        return refuse(Subject::command, {503, "5.5.1", "a transaction is open"});
    }
    if (!policy_.can_start_tls()) {
        return refuse(Subject::command, {454, "4.7.0", "TLS is not available now"});
    }
    say({220, "2.0.0", "Ready to start TLS"});
    begin_handshake();
}

void SmtpSession::do_mail(std::string_view argument) {
    if (state_ == State::fresh) {
        return refuse(Subject::command, {503, "5.5.1", "say EHLO or HELO first"});
    }
    if (state_ == State::recipients) {
        return refuse(Subject::command, {503, "5.5.1", "a transaction is open already"});
    }
    const auto path = parse_path_argument(argument, "FROM");
    if (!path) return refuse(Subject::sender, {501, "5.5.4", "syntax: MAIL FROM:<address>"});
    const auto sender = sender_of(*path);
    if (!sender) return refuse(Subject::sender, sender.error());
    const auto parameters = read_mail_parameters(path->parameters);
    if (!parameters) return refuse(Subject::sender, parameters.error());
    if (parameters->size > policy_.max_message_bytes) {
        return refuse(Subject::sender, {552, "5.3.4",
                                        "message larger than " +
                                            std::to_string(policy_.max_message_bytes) + " bytes"});
    }
    sender_ = *sender;
    eight_bit_ = parameters->eight_bit;
    state_ = State::recipients;
    patience_.transaction_began(now_.mono);
    say({250, "2.1.0", "Ok"});
}

std::expected<std::string, Reply> SmtpSession::sender_of(const PathArgument& path) const {
    if (path.path.empty()) return std::string();
    const auto address = Address::parse(path.path);
    if (!address) return std::unexpected(Reply{501, "5.1.7", "sender is no mailbox address"});
    return address->text();
}

// Postmaster needs no domain (RFC 5321 section 4.5.1).
std::expected<std::string, Reply> SmtpSession::recipient_of(std::string_view argument) const {
    const auto path = parse_path_argument(argument, "TO");
    if (!path) return std::unexpected(Reply{501, "5.5.4", "syntax: RCPT TO:<address>"});
    if (!path->parameters.empty()) {
        const std::string keyword(path->parameters.front().keyword);
        return std::unexpected(Reply{555, "5.5.4", "RCPT parameter not offered: " + keyword});
    }
    if (ascii::equal(path->path, "postmaster")) return "postmaster@" + policy_.hostname;
    const auto address = Address::parse(path->path);
    if (!address) return std::unexpected(Reply{501, "5.1.3", "recipient is no mailbox address"});
    return address->text();
}

void SmtpSession::do_rcpt(std::string_view argument) {
    if (state_ != State::recipients) {
        return refuse(Subject::command, {503, "5.5.1", "say MAIL first"});
    }
    const auto recipient = recipient_of(argument);
    if (!recipient) return refuse(Subject::recipient, recipient.error(), std::string(argument));
    if (recipients_.size() >= policy_.max_recipients) {
        return refuse(Subject::recipient, {452, "4.5.3", "too many recipients"}, *recipient);
    }
    if (queue_ == Queue::absent) return refuse(Subject::recipient, queue_absent(), *recipient);
    question_ = {next_number(), *recipient};
    patience_.queue_asked(now_.mono);
    frames_.emplace_back(
        links::RecipientQuery{question_->number, sender_, *recipient, client_.may_relay});
}

void SmtpSession::do_data(std::string_view argument) {
    if (!argument.empty()) {
        return refuse(Subject::command, {501, "5.5.4", "DATA takes no argument"});
    }
    if (state_ != State::recipients) {
        return refuse(Subject::command, {503, "5.5.1", "say MAIL and RCPT first"});
    }
    if (!recipients_.empty() && queue_ == Queue::present) return begin_body();
    refuse(Subject::message,
           recipients_.empty() ? Reply{554, "5.5.1", "no valid recipients"} : queue_absent());
}

void SmtpSession::begin_body() {
    const MessageId id = policy_.new_id(now_.wall);
    message_.emplace(next_number(), make_envelope(id), received_field(id),
                     policy_.max_message_bytes);
    state_ = State::body;
    patience_.body_began(now_.mono);
    say({354, "", "End the message with <CRLF>.<CRLF>"});
}

// RFC 5321 section 4.4; RFC 3848 names the protocols: there is none for HELO under TLS. Where
// there are more recipients they must not be disclosed to each other.
std::string SmtpSession::received_field(MessageId id) const {
    const std::string_view protocol = !extended_ ? "SMTP" : tls_.empty() ? "ESMTP" : "ESMTPS";
    std::string field = "Received: from " + helo_ + " (" + client_.literal + ")\n\tby " +
                        policy_.hostname + " (Holdfast) with ";
    field.append(protocol).append(" id ") += id.text();
    if (!tls_.empty()) field += "\n\t(" + tls_ + ")";
    if (recipients_.size() == 1) field += "\n\tfor <" + recipients_.front() + ">";
    return field + ";\n\t" + rfc5322_date(now_.wall) + "\n";
}

Envelope SmtpSession::make_envelope(MessageId id) const {
    Envelope envelope;
    envelope.id = id;
    envelope.source = Source::smtp;
    envelope.client = client_.with_port;
    envelope.helo = helo_;
    envelope.sender = sender_;
    envelope.eight_bit = eight_bit_;
    for (const std::string& recipient : recipients_) {
        envelope.recipients.push_back({recipient, {}, notify_default});
    }
    return envelope;
}

void SmtpSession::do_rset(std::string_view argument) {
    if (!argument.empty()) {
        return refuse(Subject::command, {501, "5.5.4", "RSET takes no argument"});
    }
    say({250, "2.0.0", "Ok"});
    end_transaction();
}

}  // namespace holdfast::smtpin
