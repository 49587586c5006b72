#include "smtpd/mda/outcome.h"

#include "smtpd/base/quote.h"

namespace holdfast::mda {

namespace {

// A path in a text may be long; a report is one frame among others in a packet.
constexpr std::size_t max_text = 1000;

Outcome outcome(Verdict verdict, std::string_view enhanced, std::string_view text) {
    return {verdict, std::string(enhanced), escaped(text.substr(0, max_text)), {}};
}

std::string_view status_of(int code) {
    switch (code) {
        case ENOSPC:
            return "4.3.1";
        case EDQUOT:
        case EFBIG:
            return "4.2.2";
        case EAGAIN:
        case EBUSY:
            return "4.2.0";
        default:
            return "4.3.0";
    }
}

}  // namespace

Outcome delivered(std::string_view place) {
    return {Verdict::delivered, "2.0.0", {}, std::string(place)};
}

Outcome refused(std::string_view enhanced, std::string_view text) {
    return outcome(Verdict::refused, enhanced, text);
}

Outcome retry(std::string_view enhanced, std::string_view text) {
    return outcome(Verdict::retry, enhanced, text);
}

Outcome retry_after(const Error& error) {
    return retry(status_of(error.code()), error.text());
}

}  // namespace holdfast::mda
