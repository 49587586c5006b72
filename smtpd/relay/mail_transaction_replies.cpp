// What a transaction makes of each reply.
#include <utility>

#include "smtpd/relay/mail_transaction.h"

namespace holdfast::relay {

namespace {

constexpr std::uint16_t service_closing = 421;
constexpr std::uint16_t start_of_data = 354;

// Said of whoever asks, whatever it asks for: a login or TLS is missing (RFC 4954 section 6, RFC
// 3207 section 4).
bool is_about_us(const ServerReply& reply) {
    return reply.code == 530 || reply.code == 535 || reply.code == 538;
}

// RFC 5321 section 4.5.3.1.10: 552 has meant the same. Where the status says something else, as of
// a mailbox that is full, it is about the one recipient.
bool says_too_many(const ServerReply& reply) {
    if (reply.code != 452 && reply.code != 552) return false;
    const std::string_view status = enhanced_status(reply);
    return status.empty() || status.substr(1) == ".5.3";
}

Failure nonsense(std::string_view command, const ServerReply& reply) {
    return {links::Way::unreachable, "4.5.0",
            "not an answer that makes sense, " + answer_text(command, reply)};
}

Failure closing(std::string_view command, const ServerReply& reply) {
    const std::string_view status = enhanced_status(reply);
    return {links::Way::unreachable, std::string(status.empty() ? "4.3.2" : status),
            answer_text(command, reply)};
}

}  // namespace

// 354 is an answer to DATA, and DATA has no other that is good (RFC 5321 section 4.3.2). Behind a
// chunk that was refused the message cannot be taken.
bool MailTransaction::makes_sense(Command to, const ServerReply& reply) const {
    if (reply.transient() || reply.permanent()) return true;
    if (to == Command::data) return reply.code == start_of_data;
    return reply.positive() && !(to == Command::end && chunk_refused_);
}

std::expected<void, Failure> MailTransaction::on_reply(const ServerReply& reply) {
    if (awaited_.empty()) return on_early_reply(reply);
    const Awaited to = awaited_.front();
    if (!makes_sense(to.command, reply)) {
        // What a chunk was told does not hold either.
        for (const std::size_t recipient : accepted_) {
            if (to.command == Command::end && chunk_refused_) results_[recipient].reset();
        }
        return std::unexpected(nonsense(name_of(to.command), reply));
    }
    awaited_.pop_front();
    if (reply.code == service_closing) return on_closing(to, reply);
    if (auto progress = take_answer(to, reply); !progress) return progress;
    go_on();
    return {};
}

// Some servers refuse a message while it comes in, and then close the connection. The rest of it
// need not go out to hear the same.
std::expected<void, Failure> MailTransaction::on_early_reply(const ServerReply& reply) {
    if (reply.code == service_closing) return std::unexpected(closing("DATA", reply));
    if (!in_body_ || form() == WireForm::chunked || !(reply.transient() || reply.permanent())) {
        return std::unexpected(nonsense("DATA", reply));
    }
    settle_accepted(outcome_of("DATA", reply));
    return std::unexpected(
        Failure{links::Way::usable, "4.4.2", "the server refused the message before its end"});
}

std::expected<void, Failure> MailTransaction::on_closing(Awaited to, const ServerReply& reply) {
    const std::string_view name = name_of(to.command);
    if (to.command == Command::end && is_lmtp()) settle(to.recipient, outcome_of(name, reply));
    if (to.command == Command::end && !is_lmtp()) settle_accepted(outcome_of(name, reply));
    return std::unexpected(closing(name, reply));
}

std::expected<void, Failure> MailTransaction::take_answer(Awaited to, const ServerReply& reply) {
    const bool of_envelope =
        to.command == Command::mail || to.command == Command::rcpt || to.command == Command::data;
    if (of_envelope && is_about_us(reply)) {
        return std::unexpected(
            Failure{links::Way::broken, "4.7.0", answer_text(name_of(to.command), reply)});
    }
    switch (to.command) {
        case Command::mail:
            on_mail(reply);
            break;
        case Command::rcpt:
            on_rcpt(to.recipient, reply);
            break;
        case Command::data:
            return on_data(reply);
        case Command::chunk:
            on_chunk(reply);
            break;
        case Command::end:
            on_end(to, reply);
            break;
        case Command::empty_end:
            open_ = true;
            break;
        case Command::reset:
            return on_reset(reply);
    }
    return {};
}

void MailTransaction::on_mail(const ServerReply& reply) {
    open_ = reply.positive();
    if (open_) return;
    for (const std::size_t recipient : round_) settle(recipient, outcome_of("MAIL", reply));
    unsaid_.clear();
}

// Where there are too many, the rest comes in another round: there it is the first, so that what
// it is told then holds.
void MailTransaction::on_rcpt(std::size_t recipient, const ServerReply& reply) {
    if (results_[recipient]) return;
    if (reply.positive()) {
        accepted_.push_back(recipient);
    } else if (accepted_.empty() || !says_too_many(reply)) {
        settle(recipient, outcome_of("RCPT", reply));
    }
}

// The leave to send a message to nobody, because DATA was said before the refusals were heard (RFC
// 2920 section 3.1): there is an empty one. In LMTP nothing would answer that.
std::expected<void, Failure> MailTransaction::on_data(const ServerReply& reply) {
    if (reply.code != start_of_data) {
        settle_accepted(outcome_of("DATA", reply));
        stage_ = Stage::over;
    } else if (!accepted_.empty()) {
        begin_body();
    } else if (!is_lmtp()) {
        stage_ = Stage::over;
        say({Command::empty_end, 0});
    } else {
        return std::unexpected(nonsense("DATA", reply));
    }
    return {};
}

void MailTransaction::on_chunk(const ServerReply& reply) {
    if (reply.positive()) return;
    settle_accepted(outcome_of("BDAT", reply));
    chunk_refused_ = true;
    if (std::exchange(in_body_, false)) orders_.stop_body = true;
}

void MailTransaction::on_end(Awaited to, const ServerReply& reply) {
    const Outcome outcome = outcome_of("end of data", reply);
    open_ = chunk_refused_;
    if (is_lmtp()) {
        settle(to.recipient, outcome);
    } else {
        settle_accepted(outcome);
    }
}

std::expected<void, Failure> MailTransaction::on_reset(const ServerReply& reply) {
    if (!reply.positive()) {
        return std::unexpected(
            Failure{links::Way::unreachable, "4.5.0", answer_text("RSET", reply)});
    }
    open_ = false;
    return {};
}

}  // namespace holdfast::relay
