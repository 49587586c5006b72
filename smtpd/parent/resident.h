// A resident room as its parent sees it: process, channel, state, restarts.
#pragma once

#include <memory>
#include <type_traits>

#include "smtpd/base/panic.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/process.h"
#include "smtpd/parent/restart_budget.h"
#include "smtpd/parent/rooms.h"

namespace holdfast {

class House;

class Resident {
  public:
    enum class State : std::uint8_t {
        down,
        starting,
        ready,    // confined, with a channel: can be introduced
        serving,  // likewise, and told to go
        draining,
    };

    Resident(Loop& loop, House& house, const RoomRow& row);

    void configure(const Outfit& outfit, links::Identity identity, UniqueFd snapshot);

    // Starts the process, which answers Ready when it is confined and configured.
    Status start();
    // House::start_again() is called when another start may be tried.
    void plan_restart() { restart_timer_.set(budget_.take(loop_.now())); }

    // What the room's link holds; nothing where it has no channel now.
    template <class Message>
    void send(Message message) {
        std::visit(
            [&]<class Link>(Link& channel) {
                if constexpr (requires { channel.send(std::move(message)); }) {
                    channel.send(std::move(message));
                } else if constexpr (!std::is_same_v<Link, std::monostate>) {
                    panic("a message that the room's link does not have");
                }
            },
            channel_);
    }
    // Writes what has been sent.
    void flush();

    void serve();
    void drain();
    void kill(int signal);

    const RoomRow& row() const { return row_; }
    State state() const { return state_; }
    bool up() const { return state_ == State::ready || state_ == State::serving; }
    links::RoomStatus status() const;

    // The channel's calls; what is not for this class goes to the house.
    void on(links::Ready&&);
    void on(links::Malformed&& report);
    template <class Message>
    void on(Message&& message);
    void on_end(ChannelEnd how);

  private:
    void on_process_end(const Ending& ending);

    Loop& loop_;
    House& house_;
    const RoomRow& row_;
    Outfit outfit_;
    links::Identity identity_;
    UniqueFd snapshot_;
    std::unique_ptr<Process> process_;
    RoomChannel channel_;
    State state_ = State::down;
    MonoTime started_;
    RestartBudget budget_;
    Timer restart_timer_;
    Timer end_timer_;
};

}  // namespace holdfast
