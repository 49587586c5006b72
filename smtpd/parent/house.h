// The house: starts its rooms, introduces them to each other, starts again what dies, answers
// what `control` and `qmgr` may ask of root, and ends in order. Parses nothing from outside; the
// table of rooms (rooms.h) and the messages of links/parent_*.h are all it knows.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smtpd/loop/log_keeper.h"
#include "smtpd/parent/agents.h"
#include "smtpd/parent/instance.h"
#include "smtpd/parent/listeners.h"
#include "smtpd/parent/probe_run.h"
#include "smtpd/parent/resident.h"
#include "smtpd/parent/system_log.h"

namespace holdfast {

struct HouseFacts {
    Outfit outfit;
    ProbeRequest probe;
    std::function<void()> on_serving;  // once, when every room serves
};

class House {
  public:
    House(Loop& loop, HouseFacts facts, links::Plan plan, std::vector<BoundListener> listeners,
          ControlSocket control);

    // Starts every room. What fails later ends the loop with a sysexits status.
    Status start();

    enum class Stop : std::uint8_t { when_finished, now };
    // Ends the rooms in order, then the loop with status 0.
    void stop(Stop how);

    // `done` hears what is to be said of the files: complaints with their places, a line each.
    // With errors the aliases that were read before stay in force.
    struct AliasNews {
        Status read;
        std::string complaints;
    };
    void reload_aliases(std::function<void(const AliasNews&)> done);

    // Why the start has failed, for a person; empty where it has not.
    const std::string& failure() const { return failure_; }

    // The rooms' calls.
    void room_ready(Resident& room);
    void room_ended(Resident& room, const Ending& ending);
    void room_malformed(links::Room sender);
    void start_again(Resident& room);
    void on(links::SpawnMda&& request);
    void on(links::AbandonMda&& request);
    void on(links::StatusQuery&& query);
    void on(links::StopQuery&& query);
    void on(links::AliasesQuery&& query);
    void on(links::LogLost&&) { log_.lost(); }

  private:
    enum class Phase : std::uint8_t { starting, serving, stopping };

    Resident& room(links::Room wanted);
    Status configure();
    void connect(const Pair& pair);
    void give_belongings(Resident& room);
    void give_aliases();
    void all_serve();
    void kill_late_starters();
    void fail(int status);
    void next_step_of_stop();
    void kill_the_rest();
    links::StatusReply status(std::uint64_t request);
    void read_aliases();
    void aliases_read(ProbeAnswer answer);

    void log_opened();

    Loop& loop_;
    HouseFacts facts_;
    SystemLog log_;
    LogKeeper log_keeper_;
    links::Plan plan_;
    std::vector<BoundListener> listeners_;
    ControlSocket control_;
    std::deque<Resident> rooms_;
    Agents agents_;
    Phase phase_ = Phase::starting;
    MonoTime started_;
    WallTime config_loaded_;
    Timer start_deadline_;
    Timer stop_deadline_;
    std::unique_ptr<ProbeRun> aliases_probe_;
    std::vector<std::function<void(const AliasNews&)>> aliases_waiting_;  // for the run in progress
    std::vector<std::function<void(const AliasNews&)>> aliases_next_;     // for the one after it
    std::string failure_;
};

template <class Message>
void Resident::on(Message&& message) {
    house_.on(std::forward<Message>(message));
}

}  // namespace holdfast
