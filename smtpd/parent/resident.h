// A resident room as its parent sees it: process, channel, state, restarts.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include <sys/socket.h>

#include "smtpd/base/log.h"
#include "smtpd/loop/channel.h"
#include "smtpd/parent/process.h"
#include "smtpd/parent/restart_budget.h"
#include "smtpd/parent/rooms.h"

namespace holdfast {

// What every room of a generation is started with.
struct Outfit {
    std::string libexec;  // folder of the executables
    std::string spool;    // RootFolder::spool
    std::string empty;    // RootFolder::empty
    std::uint32_t generation = 1;
    bool privileged = false;
    int log = -1;  // borrowed
    links::LogForm log_form = links::LogForm::stream;
};

UniqueFd duplicate(int fd);

// Both ends of a channel, O_CLOEXEC. Fails with the errno of socketpair(2).
Result<std::pair<UniqueFd, UniqueFd>> make_channel();

// Owner has `room_ready(Room)`, `room_ended(Room, const Ending&)`, `room_malformed(Room sender)`,
// `start_again(Room)`, and `on(T&&)` for every message that is neither Ready nor Malformed.
template <class Row, class Owner>
class Resident {
  public:
    Resident(Loop& loop, Owner& owner)
        : loop_(loop),
          owner_(owner),
          restart_timer_(loop, [this] { owner_.start_again(room); }),
          end_timer_(loop, [this] { kill(SIGKILL); }) {}

    static constexpr links::Room room = Row::room;

    void configure(const Outfit& outfit, links::Identity identity, UniqueFd snapshot) {
        outfit_ = outfit;
        identity_ = std::move(identity);
        snapshot_ = std::move(snapshot);
    }

    // Starts the process, which answers Ready when it is confined and configured.
    Status start() {
        auto channel = make_channel();
        if (!channel) return channel.error().pass();
        const std::string name(links::room_name(room));
        auto process =
            Process::start(loop_, {outfit_.libexec + "/" + name, {name}, channel->second.get()},
                           [this](Ending ending) { on_process_end(ending); });
        if (!process) return process.error().pass();
        process_ = std::move(*process);
        started_ = loop_.now();
        state_ = State::starting;
        channel_.emplace(loop_, std::move(channel->first), *this, links::Tail::skip);
        channel_->send(first_message());
        channel_->flush();
        return {};
    }

    template <class Message>
    void send(Message message) {
        if (channel_) channel_->send(std::move(message));
    }

    void serve() {
        state_ = State::serving;
        send(links::Go{});
    }

    void drain() {
        if (state_ == State::down) return;
        state_ = State::draining;
        send(links::Drain{});
    }

    void kill(int signal) {
        if (process_) process_->kill(signal);
    }

    void flush() {
        if (channel_) channel_->flush();
    }

    // Owner::start_again(room) is called then, or at once.
    void restart_after(Duration delay) { restart_timer_.set(delay); }
    RestartBudget& budget() { return budget_; }

    bool down() const { return state_ == State::down; }
    bool starting() const { return state_ == State::starting; }
    bool draining() const { return state_ == State::draining; }
    // Confined, with a channel: can be introduced.
    bool up() const { return state_ == State::ready || state_ == State::serving; }

    links::RoomStatus status() const {
        links::RoomStatus result;
        result.room = room;
        result.pid = process_ ? process_->pid() : 0;
        result.uid = identity_.uid;
        result.generation = outfit_.generation;
        result.restarts = budget_.restarts();
        if (process_) {
            result.uptime_seconds = static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_).count());
        }
        return result;
    }

    // The channel's calls.
    void on(links::Ready&&) {
        if (state_ != State::starting) return;
        state_ = State::ready;
        owner_.room_ready(room);
    }
    void on(links::Malformed&& report) { owner_.room_malformed(report.sender); }
    template <class Message>
    void on(Message&& message) {
        owner_.on(std::forward<Message>(message));
    }
    void on_end(ChannelEnd how) {
        channel_.reset();
        // Without its channel a room is at its end, or out of hand.
        if (how == ChannelEnd::malformed) return kill(SIGKILL);
        end_timer_.set(end_limit);
    }

  private:
    enum class State : std::uint8_t { down, starting, ready, serving, draining };

    static constexpr Duration end_limit = std::chrono::seconds(5);

    links::Start first_message() const {
        links::Start start;
        start.generation = outfit_.generation;
        start.privileged = outfit_.privileged;
        start.uid = identity_.uid;
        start.gid = identity_.gid;
        switch (Row::root) {
            case RootFolder::empty:
                start.root = outfit_.empty;
                break;
            case RootFolder::spool:
                start.root = outfit_.spool;
                break;
            case RootFolder::none:
                break;
        }
        start.log_form = outfit_.log_form;
        start.log = duplicate(outfit_.log);
        start.snapshot = duplicate(snapshot_.get());
        return start;
    }

    void on_process_end(const Ending& ending) {
        end_timer_.cancel();
        channel_.reset();
        process_.reset();
        state_ = State::down;
        owner_.room_ended(room, ending);
    }

    Loop& loop_;
    Owner& owner_;
    Outfit outfit_;
    links::Identity identity_;
    UniqueFd snapshot_;
    std::unique_ptr<Process> process_;
    std::optional<Channel<typename Row::Out, typename Row::In>> channel_;
    State state_ = State::down;
    MonoTime started_;
    RestartBudget budget_;
    Timer restart_timer_;
    Timer end_timer_;
};

}  // namespace holdfast
