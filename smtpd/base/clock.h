// Time. Deadlines and schedules use MonoTime, which a change of the wall clock cannot disturb;
// WallTime is for people, headers and files.
#pragma once

#include <chrono>
#include <string>

namespace holdfast {

using Duration = std::chrono::nanoseconds;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// One of the three seams for tests: the real clock, or one that a test moves.
class Clock {
  public:
    virtual ~Clock() = default;
    // Time since boot, suspended time included (CLOCK_BOOTTIME).
    virtual MonoTime mono() const = 0;
    // Coordinated universal time, to the millisecond.
    virtual WallTime wall() const = 0;
};

const Clock& real_clock();

// "Sat, 21 Nov 2026 07:50:18 +0000" (RFC 5322 section 3.3), always in UTC: a chrooted room has no
// time zone files, and a header that is read elsewhere loses nothing.
std::string rfc5322_date(WallTime time);

// "2026-11-21T07:50:18.123Z" (RFC 3339).
std::string rfc3339_time(WallTime time);

// "3d4h", "2m5s", "250ms": the two largest units.
std::string short_duration(Duration duration);

}  // namespace holdfast
