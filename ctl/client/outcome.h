// How a program ends where it does not succeed: a status of sysexits.h and one line. Callers act
// on these numbers: of sendmail, 75 is tried again and the others bounce.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include <sysexits.h>

namespace holdfast {

struct Failure {
    std::uint8_t status = EX_SOFTWARE;
    std::string text;  // "<what>: <why>", without the program's name; may hold control bytes
};

template <class T>
using Attempt = std::expected<T, Failure>;

inline std::unexpected<Failure> fails(std::uint8_t status, std::string text) {
    return std::unexpected(Failure{status, std::move(text)});
}

}  // namespace holdfast
