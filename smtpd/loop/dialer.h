// Connects to one of several addresses, whichever answers first: IPv6 first, the next one a quarter
// of a second later or as soon as one fails (dial_race.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/dial_race.h"
#include "smtpd/loop/ip_address.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class Loop;

class Dialer {
  public:
    struct Target {
        std::vector<IpAddress> addresses;
        std::uint16_t port = 0;
        // To send from; else the system chooses.
        std::optional<IpAddress> source4 = {};
        std::optional<IpAddress> source6 = {};
        Duration limit = std::chrono::seconds(30);  // for all addresses together
    };
    struct Connection {
        UniqueFd socket;  // connected, O_CLOEXEC, non-blocking
        IpAddress address;
    };
    using Outcome = std::expected<Connection, DialFailure>;

    // `callback` is called once, never before the constructor has returned; it may destroy this.
    // Destroyed before that, all attempts end and it is not called.
    Dialer(Loop& loop, Target target, std::function<void(Outcome)> callback);
    ~Dialer();
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;

  private:
    struct Attempt {
        UniqueFd socket;
        std::unique_ptr<FdWatch> watch;
    };

    void go_on();
    void begin(std::size_t place);
    void on_begun(std::size_t place, UniqueFd socket);
    void on_ready(std::size_t place);
    void finish(Outcome outcome);
    const std::optional<IpAddress>& source_for(const IpAddress& address) const;

    Loop& loop_;
    Target target_;
    std::function<void(Outcome)> callback_;
    DialRace race_;
    std::vector<Attempt> attempts_;  // of each address in the race's order
    Timer timer_;
};

}  // namespace holdfast
