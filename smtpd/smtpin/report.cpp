#include "smtpd/smtpin/report.h"

#include "smtpd/base/log.h"

namespace holdfast::smtpin {

namespace {

std::string in_brackets(const std::string& address) {
    return "<" + address + ">";
}

struct Reporter {
    const std::string& client;
    Duration age;

    void operator()(const Refused& fact) const {
        const std::string reply =
            std::to_string(fact.reply.code) + " " + fact.reply.enhanced + " " + fact.reply.text;
        log::info("refused", {{"what", to_text(fact.subject)},
                              {"client", client},
                              {"helo", fact.helo},
                              {"from", in_brackets(fact.sender)},
                              {"to", in_brackets(fact.recipient)},
                              {"reply", reply}});
    }

    // A session that brought mail and nothing else has its lines already: qmgr's.
    void operator()(const Ended& fact) const {
        if (fact.reason == Reason::quit && fact.accepted != 0 && fact.refused == 0) return;
        log::info("session", {{"client", client},
                              {"helo", fact.helo},
                              {"end", to_text(fact.reason)},
                              {"accepted", fact.accepted},
                              {"refused", fact.refused},
                              {"duration", age}});
        if (fact.unanswered) {
            log::warning("left-before-answer", {{"msg", *fact.unanswered}, {"client", client}});
        }
    }
};

}  // namespace

void report(const Fact& fact, const std::string& client, Duration age) {
    std::visit(Reporter{client, age}, fact);
}

}  // namespace holdfast::smtpin
