#include "smtpd/base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace holdfast {

namespace {

class RealClock final : public Clock {
  public:
    MonoTime mono() const override { return MonoTime(read(CLOCK_BOOTTIME)); }
    WallTime wall() const override {
        return WallTime(
            std::chrono::duration_cast<std::chrono::milliseconds>(read(CLOCK_REALTIME)));
    }

  private:
    static Duration read(clockid_t id) {
        timespec now{};
        clock_gettime(id, &now);
        return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
    }
};

struct CivilTime {
    tm fields{};
    int milliseconds = 0;
};

CivilTime civil(WallTime time) {
    CivilTime result;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t since_epoch = seconds.time_since_epoch().count();
    gmtime_r(&since_epoch, &result.fields);
    result.milliseconds = static_cast<int>((time - seconds).count());
    return result;
}

}  // namespace

const Clock& real_clock() {
    static const RealClock clock;
    return clock;
}

// strftime would follow the locale; the names of days and months are fixed by the RFC.
std::string rfc5322_date(WallTime time) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const tm at = civil(time).fields;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                  days.at(static_cast<std::size_t>(at.tm_wday)), at.tm_mday,
                  months.at(static_cast<std::size_t>(at.tm_mon)), at.tm_year + 1900, at.tm_hour,
                  at.tm_min, at.tm_sec);
    return text.data();
}

std::string rfc3339_time(WallTime time) {
    const CivilTime at = civil(time);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                  at.fields.tm_year + 1900, at.fields.tm_mon + 1, at.fields.tm_mday,
                  at.fields.tm_hour, at.fields.tm_min, at.fields.tm_sec, at.milliseconds);
    return text.data();
}

std::string short_duration(Duration duration) {
    struct Unit {
        const char* name;
        long long milliseconds;
    };
    static constexpr std::array units{Unit{"d", 86400000}, Unit{"h", 3600000}, Unit{"m", 60000},
                                      Unit{"s", 1000}, Unit{"ms", 1}};
    long long rest = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    if (rest <= 0) return "0s";
    std::string text;
    int shown = 0;
    for (const Unit& unit : units) {
        const long long count = rest / unit.milliseconds;
        rest %= unit.milliseconds;
        if (count == 0 && shown == 0) continue;
        if (count != 0) text += std::to_string(count) + unit.name;
        if (++shown == 2) break;
    }
    return text;
}

}  // namespace holdfast
