#include "smtpd/smtpin/facts.h"

#include <array>
#include <string_view>

#include "smtpd/base/log.h"

namespace holdfast::smtpin {

namespace {

// In the order of Subject and of Reason.
constexpr std::array<std::string_view, 4> subject_names{"command", "sender", "recipient",
                                                        "message"};
constexpr std::array<std::string_view, 9> reason_names{
    "quit",     "client left", "timeout",   "too many errors", "bare CR or LF",
    "not SMTP", "draining",    "displaced", "no TLS"};

// The null sender is one, too.
std::string_view sender_text(const std::string& sender) {
    return sender.empty() ? std::string_view("<>") : sender;
}

struct Reporter {
    const std::string& client;
    Duration age;

    void operator()(const Refused& fact) const {
        const std::string reply =
            std::to_string(fact.reply.code) + " " + fact.reply.enhanced + " " + fact.reply.text;
        const bool has_sender =
            fact.subject == Subject::recipient || fact.subject == Subject::message;
        const std::string_view sender = has_sender ? sender_text(fact.sender) : fact.sender;
        log::info_limited("refused",
                          {{"what", subject_names.at(static_cast<std::size_t>(fact.subject))},
                           {"client", client},
                           log::Field::unless_empty("helo", fact.helo),
                           log::Field::unless_empty("from", sender),
                           log::Field::unless_empty("to", fact.recipient),
                           {"reply", reply}});
    }

    // A session that brought mail and nothing else has its lines already: qmgr's. So has one that
    // was nothing but a handshake that failed.
    void operator()(const Ended& fact) const {
        if (fact.reason == Reason::quit && fact.accepted != 0 && fact.refused == 0) return;
        if (fact.reason == Reason::no_tls && fact.accepted == 0 && fact.refused == 0) return;
        const auto write = fact.accepted == 0 ? log::info_limited : log::info;
        write("session", {{"client", client},
                          log::Field::unless_empty("helo", fact.helo),
                          {"end", reason_names.at(static_cast<std::size_t>(fact.reason))},
                          {"accepted", fact.accepted},
                          {"refused", fact.refused},
                          log::Field::unless_empty("tls", fact.tls),
                          {"duration", age}});
        if (fact.unanswered) {
            log::warning("left-before-answer", {{"msg", *fact.unanswered}, {"client", client}});
        }
    }

    void operator()(const Injected& fact) const {
        log::warning_limited("plaintext-discarded", {{"client", client}, {"bytes", fact.bytes}});
    }

    void operator()(const HandshakeFailed& fact) const {
        log::info_limited("tls-failed", {{"client", client},
                                         log::Field::unless_empty("helo", fact.helo),
                                         {"reason", fact.why},
                                         {"duration", age}});
    }
};

}  // namespace

void report(const Fact& fact, const std::string& client, Duration age) {
    std::visit(Reporter{client, age}, fact);
}

}  // namespace holdfast::smtpin
