// What a client may use up before it is sent away: sessions, and our patience with its mistakes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "smtpd/smtpin/client_address.h"
#include "smtpd/smtpin/facts.h"

namespace holdfast::smtpin {

// Longest command line, its end included. RFC 5321 section 4.5.3.1.4 asks for 512 and what the
// parameters of extensions add.
inline constexpr std::size_t max_command_line = 2048;

// Received fields that a message may bring along: more of them, and it goes in circles (RFC 5321
// section 6.3).
inline constexpr unsigned max_hops = 50;

// Descriptors beside those of the sessions. Without one to spare, a message of the parent that
// brings a channel would arrive without it.
inline constexpr std::size_t reserved_descriptors = 32;

// As many of `wanted` sessions as so many descriptors allow, and at least one (F23).
std::size_t affordable_sessions(std::size_t wanted, std::size_t descriptors);

// Mistakes between two accepted messages. A recipient that is refused is no sign of malice where
// a list is being served, so there may be more of those.
class ErrorBudget {
  public:
    static constexpr unsigned max_bad_commands = 20;
    static constexpr unsigned max_refused_recipients = 100;

    void refused(Subject subject) {
        ++(subject == Subject::recipient ? refused_recipients_ : bad_commands_);
    }
    void renew() { *this = {}; }
    bool exhausted() const {
        return bad_commands_ >= max_bad_commands || refused_recipients_ >= max_refused_recipients;
    }

  private:
    unsigned bad_commands_ = 0;
    unsigned refused_recipients_ = 0;
};

enum class Admission : std::uint8_t { admitted, too_many, too_many_from_client };

// Counts the sessions that are open, in all and by client; this machine itself counts in the sum
// only, or a busy local program would shut out the others. enter() that admits is undone by
// exactly one leave().
class SessionCounter {
  public:
    SessionCounter(std::size_t max_in_all, std::size_t max_per_client)
        : max_in_all_(max_in_all), max_per_client_(max_per_client) {}

    Admission enter(const ClientKey& client);
    void leave(const ClientKey& client);

    // Sessions of this client.
    std::size_t open(const ClientKey& client) const;

  private:
    std::size_t max_in_all_;
    std::size_t max_per_client_;
    std::size_t in_all_ = 0;
    std::unordered_map<ClientKey, std::size_t, ClientKeyHash> by_client_;
};

}  // namespace holdfast::smtpin
