// How long a session may take over what it does. Every limit is for the whole of something, so
// that a byte now and then buys nothing (F22).
#pragma once

#include <cstddef>
#include <cstdint>

#include "smtpd/base/clock.h"

namespace holdfast::smtpin {

// A command, from our last reply to its line end (RFC 5321 section 4.5.3.2.7: at least 5 minutes).
inline constexpr Duration command_timeout = std::chrono::minutes(5);
// A handshake of TLS, which is less work for a person's mail program than a command.
inline constexpr Duration handshake_timeout = std::chrono::seconds(60);
// One that is under way when a drain wants the session to end: it then hears why.
inline constexpr Duration handshake_drain_time = std::chrono::seconds(5);
// A body without a single byte.
inline constexpr Duration body_idle_timeout = std::chrono::minutes(3);
// A body: so long, and a second more for each `body_rate` bytes that have come.
inline constexpr Duration body_timeout = std::chrono::minutes(10);
inline constexpr std::uint64_t body_rate = 1024;
// From MAIL to the final dot.
inline constexpr Duration transaction_timeout = std::chrono::hours(1);
// A session without an accepted message.
inline constexpr Duration progress_timeout = std::chrono::minutes(15);
// qmgr's answer to a question, or room for more of a body: less than clients wait for us.
inline constexpr Duration answer_timeout = std::chrono::minutes(4);
// qmgr's answer to a whole message: clients wait 10 minutes (RFC 5321 section 4.5.3.2.6).
inline constexpr Duration commit_timeout = std::chrono::minutes(9);

// How long sessions may go on while the room drains: until `soft` as ever, with as many
// transactions as they like; after that to the end of the one that is open; at `hard` even that
// is cut off.
struct Grace {
    MonoTime soft = MonoTime::max();
    MonoTime hard = MonoTime::max();
};

// What a session waits for, and from whom.
enum class Waiting : std::uint8_t {
    next,       // client: between transactions
    command,    // client: inside one
    body,       // client
    answer,     // qmgr: may this recipient get mail
    credit,     // qmgr: room for more of a body
    commit,     // qmgr: is the message on disk
    handshake,  // client: under way
};

class Patience {
  public:
    explicit Patience(MonoTime now) : progress_(now + progress_timeout) { transaction_ended(now); }

    void command_done(MonoTime now) { command_ = now + command_timeout; }
    void transaction_began(MonoTime now) { whole_ = now + transaction_timeout; }
    void transaction_ended(MonoTime now);
    void progressed(MonoTime now) { progress_ = now + progress_timeout; }
    void handshake_began(MonoTime now);
    void body_began(MonoTime now);
    void body_came(MonoTime now, std::size_t bytes);
    void queue_asked(MonoTime now) { queue_since_ = now; }
    // What qmgr took is not held against the client.
    void queue_gave_credit(MonoTime now);
    // Of several drains the shortest counts.
    void drain(Grace grace);

    // When the last command or transaction ended.
    MonoTime idle_since() const { return command_ - command_timeout; }

    MonoTime deadline(Waiting waiting) const;
    // Whether the time that the drain allows has run out.
    bool drain_is_over(Waiting waiting, MonoTime now) const;

  private:
    MonoTime drain_deadline(Waiting waiting) const;

    // Each the time at which patience ends, but for `queue_since_`.
    MonoTime progress_;
    MonoTime command_{};
    MonoTime whole_{};  // of the transaction, or else of all that is not one
    MonoTime handshake_{};
    MonoTime body_{};
    MonoTime byte_{};
    MonoTime queue_since_{};
    Grace grace_;
};

}  // namespace holdfast::smtpin
