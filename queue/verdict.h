// What came of a recipient, or of one attempt. Not an Error: a refusal is a fact to record.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast {

enum class Verdict : std::uint8_t {
    delivered,
    retry,    // temporary: try again later
    refused,  // permanent: bounce
};

struct Outcome {
    Verdict verdict = Verdict::retry;
    std::string enhanced;  // RFC 3463 status, "5.1.1"
    std::string text;      // one line for the log, mailq and the bounce; control bytes escaped
    std::string place;     // where it went, "maildir" or a host; may be empty
};

}  // namespace holdfast
