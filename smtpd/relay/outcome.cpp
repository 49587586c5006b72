#include "smtpd/relay/outcome.h"

#include "smtpd/base/quote.h"

namespace holdfast::relay {

namespace {

Verdict verdict_of(const ServerReply& reply) {
    if (reply.positive()) return Verdict::delivered;
    return reply.transient() ? Verdict::retry : Verdict::refused;
}

std::string class_alone(Verdict verdict) {
    switch (verdict) {
        case Verdict::delivered:
            return "2.0.0";
        case Verdict::retry:
            return "4.0.0";
        case Verdict::refused:
            break;
    }
    return "5.0.0";
}

}  // namespace

std::string answer_text(std::string_view command, const ServerReply& reply) {
    return std::string(command) + ": " + full_text(reply);
}

Outcome outcome_of(std::string_view command, const ServerReply& reply) {
    const Verdict verdict = verdict_of(reply);
    std::string status(enhanced_status(reply));
    if (status.empty()) status = class_alone(verdict);
    return {verdict, std::move(status), answer_text(command, reply), {}};
}

Outcome refused(std::string_view enhanced, std::string_view text) {
    return {Verdict::refused, std::string(enhanced), harmless(text), {}};
}

Outcome retry(std::string_view enhanced, std::string_view text) {
    return {Verdict::retry, std::string(enhanced), harmless(text), {}};
}

}  // namespace holdfast::relay
