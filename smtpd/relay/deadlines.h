// How long a server may take. Every limit is for a whole reply, so that a byte now and then buys
// nothing (F22), and all the replies of a set-up or of a transaction have a limit together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"

namespace holdfast::relay {

// What is waited for.
enum class Phase : std::uint8_t {
    handshake,
    greeting,
    hello,
    starttls,
    login,
    mail,
    recipient,
    data,   // the leave to send a body
    block,  // the server's taking some of it, or a chunk's reply
    end,    // the reply to the whole of it
    reset,
    quit,
    none,  // nothing: the session is idle
};

// RFC 5321 section 4.5.3.2 for what it names; Duration::max() for none.
Duration patience_for(Phase phase);

// "no answer to RCPT": what is missing where it does not come.
std::string_view lack_of(Phase phase);

// From the connection to the first transaction.
inline constexpr Duration set_up_limit = std::chrono::minutes(15);
// From MAIL to the last reply of a round, and a second more for each `body_rate` bytes.
inline constexpr Duration round_limit = std::chrono::hours(1);
inline constexpr std::uint64_t body_rate = 1024;

class Deadlines {
  public:
    void set_up_began(MonoTime now) { total_ = now + set_up_limit; }
    void round_began(MonoTime now) { total_ = now + round_limit; }
    void body_went(std::uint64_t bytes);
    // From now on this is waited for. Phase::none ends all limits.
    void wait_for(Phase phase, MonoTime now);

    MonoTime next() const;
    // Which limit has been reached: "no answer to RCPT within 5m".
    std::string what_passed(MonoTime now) const;

  private:
    Phase phase_ = Phase::none;
    MonoTime waited_ = MonoTime::max();
    MonoTime total_ = MonoTime::max();
};

}  // namespace holdfast::relay
