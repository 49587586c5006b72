#include "smtpd/relay/mail_transaction.h"

#include <algorithm>
#include <utility>

#include "smtpd/relay/envelope_commands.h"

namespace holdfast::relay {

namespace {

// Chunks that may be on their way without an answer.
constexpr std::size_t max_chunks = 16;

std::string sizes(std::uint64_t size, std::uint64_t limit) {
    return "message of " + std::to_string(size) + " bytes is larger than the " +
           std::to_string(limit) + " bytes that the server takes";
}

}  // namespace

std::string_view name_of(MailTransaction::Command command) {
    using Command = MailTransaction::Command;
    switch (command) {
        case Command::mail:
            return "MAIL";
        case Command::rcpt:
            return "RCPT";
        case Command::data:
            return "DATA";
        case Command::chunk:
            return "BDAT";
        case Command::end:
        case Command::empty_end:
            return "end of data";
        case Command::reset:
            break;
    }
    return "RSET";
}

MailTransaction::MailTransaction(Transaction transaction, const Server& server)
    : transaction_(std::move(transaction)),
      server_(server),
      results_(transaction_.recipients.size()) {}

// --- Before anything is said ---------------------------------------------------------------------

std::optional<Outcome> MailTransaction::hindrance() const {
    const Extensions& offered = server_.extensions;
    if (transaction_.require_tls && server_.trust != Trust::verified) {
        return refused("5.7.30", "REQUIRETLS: there is no verified TLS connection to the server");
    }
    if (transaction_.require_tls && !offered.require_tls) {
        return refused("5.7.30", "REQUIRETLS is not offered by the server");
    }
    if (transaction_.utf8 && !offered.utf8) {
        return refused("5.6.7", "SMTPUTF8 is not offered by the server");
    }
    if (offered.size_limit != 0 && transaction_.size > offered.size_limit) {
        return refused("5.3.4", sizes(transaction_.size, offered.size_limit));
    }
    if (transaction_.sender.empty()) return std::nullopt;
    return hindrance(transaction_.sender, "5.1.7");
}

std::optional<Outcome> MailTransaction::hindrance(const std::string& address,
                                                  std::string_view malformed) const {
    switch (sendable(address)) {
        case Sendable::yes:
            return std::nullopt;
        case Sendable::malformed:
            return refused(malformed, "no address that can be sent: <" + address + ">");
        case Sendable::needs_utf8:
            break;
    }
    if (transaction_.utf8 && server_.extensions.utf8) return std::nullopt;
    return refused("5.6.7", "needs SMTPUTF8: <" + address + ">");
}

void MailTransaction::start() {
    if (const auto outcome = hindrance()) return abandon(*outcome);
    for (std::size_t i = 0; i < results_.size(); ++i) {
        const auto outcome = hindrance(transaction_.recipients[i].address, "5.1.3");
        if (outcome) settle(i, *outcome);
    }
    start_round();
}

// --- What is said --------------------------------------------------------------------------------

// BDAT is no part of LMTP (RFC 2033): nobody says how often the last one is answered there.
WireForm MailTransaction::form() const {
    return server_.extensions.chunking && !is_lmtp() ? WireForm::chunked : WireForm::dotted;
}

void MailTransaction::start_round() {
    round_.clear();
    accepted_.clear();
    for (std::size_t i = 0; i < results_.size() && round_.size() < max_round; ++i) {
        if (!results_[i]) round_.push_back(i);
    }
    if (round_.empty()) return;
    ++rounds_;
    stage_ = Stage::envelope;
    chunk_refused_ = false;
    unsaid_.push_back({Command::mail, 0});
    for (const std::size_t recipient : round_) unsaid_.push_back({Command::rcpt, recipient});
    if (server_.extensions.pipelining && form() == WireForm::dotted)
        unsaid_.push_back({Command::data, 0});
    say_more();
}

// All at once with PIPELINING (RFC 2920), else the next when the last has been answered.
void MailTransaction::say_more() {
    while (!unsaid_.empty() && (awaited_.empty() || server_.extensions.pipelining)) {
        const Awaited next = unsaid_.front();
        unsaid_.pop_front();
        say(next);
    }
}

void MailTransaction::say(Awaited next) {
    orders_.bytes += line_of(next);
    awaited_.push_back(next);
}

std::string MailTransaction::line_of(Awaited next) const {
    switch (next.command) {
        case Command::mail:
            return mail_command(transaction_, server_.extensions);
        case Command::rcpt:
            return rcpt_command(transaction_.recipients[next.recipient], server_.extensions);
        case Command::data:
            return "DATA\r\n";
        case Command::empty_end:
            return ".\r\n";
        case Command::reset:
            return "RSET\r\n";
        case Command::chunk:
        case Command::end:
            break;
    }
    return {};
}

MailTransaction::Orders MailTransaction::take_orders() {
    return std::exchange(orders_, {});
}

// --- What follows from them ----------------------------------------------------------------------

void MailTransaction::go_on() {
    say_more();
    if (in_body_ || !awaited_.empty()) return;
    if (stage_ == Stage::envelope && !accepted_.empty()) return ask_for_body();
    stage_ = Stage::over;
    if (open_) return say({Command::reset, 0});
    start_round();
}

void MailTransaction::ask_for_body() {
    if (form() == WireForm::chunked) return begin_body();
    say({Command::data, 0});
}

void MailTransaction::begin_body() {
    stage_ = Stage::body;
    in_body_ = true;
    chunks_ = 0;
    orders_.send_body = BodyForm{form(), server_.extensions.eight_bit};
}

bool MailTransaction::takes_body() const {
    const std::size_t most = server_.extensions.pipelining ? max_chunks : 1;
    return in_body_ && awaited_.size() < most;
}

void MailTransaction::body(std::string_view piece, std::uint64_t chunks) {
    if (!in_body_) return;
    orders_.bytes += piece;
    for (; chunks_ < chunks; ++chunks_) awaited_.push_back({Command::chunk, 0});
}

void MailTransaction::end_body(std::string_view piece) {
    if (!in_body_) return;
    orders_.about_to_end = true;
    orders_.bytes += piece;
    await_end();
}

// LMTP answers once for each recipient that it took, in their order (RFC 2033 section 4.2).
void MailTransaction::await_end() {
    in_body_ = false;
    if (!is_lmtp()) return awaited_.push_back({Command::end, 0});
    for (const std::size_t recipient : accepted_) awaited_.push_back({Command::end, recipient});
}

// --- Outcomes ------------------------------------------------------------------------------------

void MailTransaction::settle(std::size_t recipient, Outcome outcome) {
    if (results_[recipient]) return;
    outcome.place = server_.place;
    const bool delivered = outcome.verdict == Verdict::delivered;
    results_[recipient] = {std::move(outcome), delivered && server_.extensions.dsn};
}

void MailTransaction::settle_accepted(const Outcome& outcome) {
    for (const std::size_t recipient : accepted_) settle(recipient, outcome);
}

void MailTransaction::abandon(const Outcome& outcome) {
    for (std::size_t i = 0; i < results_.size(); ++i) settle(i, outcome);
}

bool MailTransaction::awaits_end() const {
    return std::ranges::find(awaited_, Command::end, &Awaited::command) != awaited_.end();
}

// Behind a chunk that was refused the reply to the end is waited for: it may take the refusal back.
bool MailTransaction::settled() const {
    return std::ranges::all_of(results_, [](const auto& result) { return result.has_value(); }) &&
           !awaits_end();
}

bool MailTransaction::at_rest() const {
    return settled() && awaited_.empty() && unsaid_.empty() && !in_body_;
}

bool MailTransaction::uncertain() const {
    return awaits_end() && std::ranges::any_of(accepted_, [&](std::size_t recipient) {
               return !results_[recipient].has_value();
           });
}

std::vector<links::SentRecipient> MailTransaction::results() const {
    std::vector<links::SentRecipient> all;
    all.reserve(results_.size());
    for (const auto& result : results_) all.push_back(result.value_or(links::SentRecipient{}));
    return all;
}

std::optional<MailTransaction::Command> MailTransaction::awaited() const {
    if (in_body_ || awaited_.empty()) return std::nullopt;
    return awaited_.front().command;
}

}  // namespace holdfast::relay
