// How a run of sendmail ends: a status of sysexits.h, and one line where it failed. Callers act on
// these numbers: 75 is tried again, the others bounce.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace holdfast::sendmail {

enum class Exit : std::uint8_t {
    ok = 0,
    usage = 64,        // unknown option, bad value, nobody to send to
    data = 65,         // an operand or header that names nobody readable
    no_input = 66,     // nothing to read from
    unavailable = 69,  // refused for good; or no daemon, where only the daemon could answer
    software = 70,     // the daemon said what can't be
    input = 74,        // the input broke off with an error
    temporary = 75,    // neither the daemon nor the spool took it: nothing is stored
    config = 78,       // the daemon found an error in what the administrator wrote
};

struct Failure {
    Exit status = Exit::software;
    std::string text;  // "<what>: <why>", without the program's name
};

template <class T>
using Attempt = std::expected<T, Failure>;

inline std::unexpected<Failure> fails(Exit status, std::string text) {
    return std::unexpected(Failure{status, std::move(text)});
}

}  // namespace holdfast::sendmail
