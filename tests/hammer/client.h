// One client: a connection and its script, driven by what the socket and the clock say.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/base/unique_fd.h"
#include "tests/hammer/script.h"
#include "tests/hammer/wire.h"

namespace holdfast::hammer {

using Time = std::chrono::steady_clock::time_point;
using Seconds = std::chrono::duration<double>;

inline Time now() {
    return std::chrono::steady_clock::now();
}

// What became of the clients of one kind.
struct Tally {
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    std::uint64_t refused = 0;          // no connection
    std::uint64_t cut = 0;              // it ended, or was reset, before its time
    std::uint64_t wrong = 0;            // a reply of another code
    std::uint64_t unanswered = 0;       // nothing was heard for `patience`
    std::vector<std::string> how;       // the first few that went wrong
    std::vector<std::string> accepted;  // names of the messages that got 250
    std::vector<std::string> unknown;   // of those that got no reply at all
    std::vector<double> waits;          // milliseconds from connect to the first reply
    double longest_gap = 0;             // milliseconds between two first replies
    Time last;                          // of the last one

    void greeted(Time asked);
    void complain(const std::string& what);
};

// How long a client waits for a reply.
inline constexpr std::chrono::seconds patience{30};

class Client {
  public:
    struct Task {
        Kind kind = Kind::knock;
        std::vector<Step> steps;
        std::string name;  // of the message that is sent
    };

    // `socket` is non-blocking, and connecting or connected.
    Client(Tally& tally, Task task, UniqueFd socket);

    void on_ready();
    void on_time(Time time);
    bool ended() const { return ended_; }
    Kind kind() const { return task_.kind; }
    int socket() const { return wire_.socket(); }

  private:
    void enter(std::size_t step);
    void send_step();
    void receive();
    bool take_replies();
    void on_reply(int code);
    void on_answer();
    void start_tls();
    void end();
    void went_wrong(std::uint64_t Tally::* count, const std::string& what);

    Tally& tally_;
    Task task_;
    Wire wire_;
    std::string input_;
    std::size_t step_ = 0;
    bool sent_ = false;
    bool shaking_hands_ = false;
    bool ended_ = false;
    Time begun_ = now();
    Time due_ = Time::max();
};

}  // namespace holdfast::hammer
