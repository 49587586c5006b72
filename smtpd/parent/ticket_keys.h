// The keys of TLS session tickets: made here, because they outlive every room, configuration and
// program; smtpin seals tickets with the newest and opens them with all.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/links/handover.h"

namespace holdfast {

class TicketKeys {
  public:
    static constexpr std::size_t length = 80;  // bytes of one (links::TicketKeys)
    static constexpr std::size_t kept = 3;
    // A session can be resumed for two to three of these.
    static constexpr Duration period = std::chrono::hours(6);

    // With one key.
    explicit TicketKeys(MonoTime now) { renew(now); }

    // The newest first.
    const std::vector<std::string>& keys() const { return keys_; }

    // Until the newest has to make way.
    Duration time_left(MonoTime now) const { return made_ + period - now; }
    // Another newest one, and the oldest goes.
    void renew(MonoTime now);

    // For a successor in this process. What makes no sense is not adopted.
    links::TicketKeysState leave() const;
    void adopt(links::TicketKeysState state);

  private:
    std::vector<std::string> keys_;
    MonoTime made_;
};

}  // namespace holdfast
