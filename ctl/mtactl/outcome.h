// How a command ends where it does not succeed: a status of sysexits.h and one line.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace holdfast::mtactl {

struct Failure {
    std::uint8_t status = 0;
    std::string text;  // one line, without the program's name; control bytes and all
};

template <class T>
using Attempt = std::expected<T, Failure>;

inline std::unexpected<Failure> fails(std::uint8_t status, std::string text) {
    return std::unexpected(Failure{status, std::move(text)});
}

}  // namespace holdfast::mtactl
