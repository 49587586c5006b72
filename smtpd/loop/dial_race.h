// Which of several addresses is tried when: RFC 8305 ("happy eyeballs") in a simple form. Pure: the
// time and what became of each attempt in, what to begin and when to look again out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/loop/ip_address.h"

namespace holdfast {

// IPv6 and IPv4 by turns, IPv6 first, the order within each family kept, none twice (RFC 8305
// section 4): a family that leads nowhere costs little.
std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses);

// Why an attempt came to nothing.
struct DialFailure {
    enum class Blame : std::uint8_t {
        theirs,  // the far end's, or that of the way there
        ours,    // this machine lacks something: descriptors, the address to send from, permission
    };
    Blame blame = Blame::theirs;
    std::string why;
};

class DialRace {
  public:
    // What is left out beyond these: a name with a thousand addresses must not cost as many
    // sockets.
    static constexpr std::size_t max_addresses = 16;
    // The head start of each address before the next one.
    static constexpr Duration head_start = std::chrono::milliseconds(250);
    // Out of descriptors or memory, the same address is tried again after this.
    static constexpr Duration rest = std::chrono::milliseconds(200);

    DialRace(const std::vector<IpAddress>& addresses, MonoTime now, Duration limit);

    // The place (in order()) of an address that is to be tried now, once for each.
    std::optional<std::size_t> next(MonoTime now);

    // What became of an attempt, unless it won.
    void failed(std::size_t place, DialFailure failure, MonoTime now);
    // For want of descriptors or memory it could not begin. It will be tried again.
    void starved(std::size_t place, std::string why, MonoTime now);
    // It could not begin, and neither can those that are left of its family.
    void family_failed(std::size_t place, DialFailure failure, MonoTime now);

    // When next() or lost() may say something new; for a timer.
    MonoTime wake() const;
    // Nothing is left to try or to wait for.
    bool lost(MonoTime now) const;

    const std::vector<IpAddress>& order() const { return order_; }

    // Of all attempts together. Ours, unless one got as far as the network. For each address that
    // was tried: "192.0.2.1:25: Connection refused; [2001:db8::1]:25: no answer".
    DialFailure account(std::uint16_t port) const;

  private:
    enum class State : std::uint8_t { waiting, trying, failed, left_out };
    struct Attempt {
        State state = State::waiting;
        DialFailure failure = {};  // of one that waits: it was starved
    };

    bool all_failed() const;
    std::optional<std::size_t> first_waiting() const;

    std::vector<IpAddress> order_;
    std::vector<Attempt> attempts_;  // of each in order_
    MonoTime deadline_;
    MonoTime next_at_;  // when the first that waits is due
};

}  // namespace holdfast
