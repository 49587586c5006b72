#include "smtpd/qmgr/backoff.h"

#include <algorithm>

namespace holdfast::qmgr {

namespace {

// A configuration of decades is as good as for ever, and leaves room to add.
Duration seconds(std::uint64_t count) {
    constexpr std::uint64_t twenty_years = 20ULL * 366 * 86400;
    return std::chrono::seconds(std::clamp<std::uint64_t>(count, 1, twenty_years));
}

}  // namespace

Backoff::Backoff(const links::QmgrSnapshot& config, std::uint32_t seed)
    : first_(seconds(config.retry_first_seconds)),
      limit_(std::max(first_, seconds(config.retry_limit_seconds))),
      expire_(seconds(config.expire_seconds)),
      warn_(seconds(config.warn_seconds)),
      random_(seed) {}

Duration Backoff::undisturbed(std::uint32_t attempts) const {
    Duration delay = first_;
    for (std::uint32_t i = 1; i < attempts && delay < limit_; ++i) delay *= 2;
    return std::min(delay, limit_);
}

Duration Backoff::delay(std::uint32_t attempts) {
    const Duration whole = undisturbed(attempts);
    std::uniform_int_distribution<std::int64_t> jitter(0, whole.count() / 5);
    return whole - Duration(jitter(random_));
}

Duration Backoff::tried_for(std::uint32_t attempts) const {
    Duration total{};
    std::uint32_t i = 1;
    for (; i <= attempts && undisturbed(i) < limit_; ++i) total += undisturbed(i);
    const std::uint64_t at_limit = i <= attempts ? attempts - i + 1 : 0;
    const auto enough = static_cast<std::uint64_t>(expire_ / limit_ + 1);
    return total + limit_ * static_cast<std::int64_t>(std::min(at_limit, enough));
}

Duration Backoff::age(Duration by_wall_clock, std::uint32_t attempts) const {
    const Duration tried = tried_for(attempts);
    if (by_wall_clock < Duration::zero()) return tried;
    return std::min(by_wall_clock, tried + limit_);
}

}  // namespace holdfast::qmgr
