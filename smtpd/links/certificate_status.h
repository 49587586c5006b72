// A certificate that is in use, for people: from the parent through control to mtactl.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::links {

// Times are wall clock, milliseconds since 1970.
struct CertificateStatus {
    std::string host;                // whom smtpd.conf wants it for
    std::string file;                // the path of the chain
    std::string fingerprint;         // SHA-256, 64 hexadecimal digits
    std::string fingerprint_before;  // of the one whose place it took; empty: there was none
    std::vector<std::string> names;  // DNS names that it is for, the first ones
    std::int64_t not_before = 0;
    std::int64_t not_after = 0;
    std::string warning;
};

inline constexpr std::int64_t milliseconds_a_day = 86'400'000;

// Whoever says when something ends may say anything.
constexpr std::int64_t plausible_time(std::int64_t time) {
    return std::clamp<std::int64_t>(time, 0, 253'402'300'799'999);  // 1970 to 9999
}

// Whether somebody has to look after it: within 21 days of its end, or within the last third of
// its life where that is shorter; and once it has expired.
constexpr bool expires_soon(std::int64_t not_before, std::int64_t not_after, std::int64_t now) {
    const std::int64_t end = plausible_time(not_after);
    const std::int64_t third = (end - plausible_time(not_before)) / 3;
    return end - plausible_time(now) <= std::min(third, 21 * milliseconds_a_day);
}

// Whole days that are left; below 0 once it has expired.
constexpr std::int64_t days_left(std::int64_t not_after, std::int64_t now) {
    const std::int64_t left = plausible_time(not_after) - plausible_time(now);
    return left >= 0 ? left / milliseconds_a_day : -1 - (-left - 1) / milliseconds_a_day;
}

}  // namespace holdfast::links
