// A resident room of one generation as its parent sees it: process, channel, state, restarts.
#pragma once

#include <memory>
#include <type_traits>

#include "smtpd/base/panic.h"
#include "smtpd/links/handover.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/process.h"
#include "smtpd/parent/restart_budget.h"
#include "smtpd/parent/rooms.h"

namespace holdfast {

class Generation;

class Resident {
  public:
    enum class State : std::uint8_t {
        down,
        starting,
        ready,    // confined, with a channel: can be introduced
        going,    // likewise, and told to go
        serving,  // it has said so
        draining,
    };
    static constexpr unsigned state_limit = 6;

    Resident(Loop& loop, Generation& generation, const RoomRow& row);

    // Who it is to be.
    struct Role {
        Outfit outfit;
        links::Identity identity;
        UniqueFd snapshot;
    };
    void configure(Role role) { role_ = std::move(role); }
    // Not a room of a generation that an earlier version has started.
    bool absent() const { return role_.outfit.image == nullptr; }

    // Starts the process, which answers Ready when it is confined and configured.
    Status start();
    // Generation::start_again() is called when another start may be tried.
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
    // Writes what has been sent; what does not fit is left in unsent().
    void flush();
    std::size_t unsent() const;

    void serve();
    // Again, with less patience, where it drains already.
    void drain(links::Drain order);
    void kill(int signal);
    // What has been said leaves; the process lives on without us.
    void leave_alone();

    const RoomRow& row() const { return row_; }
    State state() const { return state_; }
    bool up() const {
        return state_ == State::ready || state_ == State::going || state_ == State::serving;
    }
    // New connections may reach it.
    bool accepts() const { return state_ != State::down && accepts_; }
    links::RoomStatus status() const;

    // For a successor in this process.
    links::RoomState leave() const;
    void adopt(const Outfit& outfit, links::RoomState state);

    // The channel's calls; what is not for this class goes to the generation.
    void on(links::Ready&&);
    void on(links::Serving&&);
    void on(links::Malformed&& report);
    void on(links::NotAccepting&&);
    template <class Message>
    void on(Message&& message);
    void on_unknown();  // a room of a later version, which has failed and finishes its sessions
    void on_end(ChannelEnd how);

  private:
    void on_process_end(const Ending& ending);

    Loop& loop_;
    Generation& generation_;
    const RoomRow& row_;
    Role role_;
    std::unique_ptr<Process> process_;
    RoomChannel channel_;
    State state_ = State::down;
    bool accepts_ = false;
    MonoTime started_;
    RestartBudget budget_;
    Timer restart_timer_;
    Timer end_timer_;
    bool said_unknown_ = false;  // once is enough for the log
};

}  // namespace holdfast
