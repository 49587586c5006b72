// The house: starts its rooms, introduces them to each other, starts again what dies, answers
// what `control` and `qmgr` may ask of root, and ends in order. Parses nothing from outside; the
// table in rooms.h and the messages of links/parent_*.h are all it knows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/parent/agents.h"
#include "smtpd/parent/instance.h"
#include "smtpd/parent/listeners.h"
#include "smtpd/parent/probe_run.h"
#include "smtpd/parent/resident.h"

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
    ~House();

    // Starts every room. What fails later ends the loop with a sysexits status.
    Status start();

    enum class Stop : std::uint8_t { when_finished, now };
    // Ends the rooms in order, then the loop with status 0.
    void stop(Stop how);

    void reload_aliases(std::function<void(const Status&)> done);

    // The rooms' calls (see Resident).
    void room_ready(links::Room room);
    void room_ended(links::Room room, const Ending& ending);
    void room_malformed(links::Room sender);
    void start_again(links::Room room);
    void on(links::SpawnMda&& request);
    void on(links::StatusQuery&& query);
    void on(links::StopQuery&& query);
    void on(links::AliasesQuery&& query);

  private:
    struct Rooms;
    enum class Phase : std::uint8_t { starting, serving, stopping };

    template <class Action>
    void for_each_room(Action action);
    template <class Action>
    void with_room(links::Room room, Action action);

    Status configure();
    void introduce(links::Room room);
    void connect(const Pair& pair);
    void give_belongings(links::Room room);
    void give_aliases();
    void restart(links::Room room);
    void all_serve();
    void fail(int status);
    void next_step_of_stop();
    void kill_the_rest();
    links::StatusReply status(std::uint64_t request);
    void read_aliases();
    void aliases_read(Result<links::Plan> plan);

    Loop& loop_;
    HouseFacts facts_;
    links::Plan plan_;
    std::vector<BoundListener> listeners_;
    ControlSocket control_;
    std::unique_ptr<Rooms> rooms_;
    Agents agents_;
    Phase phase_ = Phase::starting;
    MonoTime started_;
    WallTime config_loaded_;
    Timer start_deadline_;
    Timer stop_deadline_;
    std::unique_ptr<ProbeRun> aliases_probe_;
    std::vector<std::function<void(const Status&)>> aliases_waiting_;  // for the run in progress
    std::vector<std::function<void(const Status&)>> aliases_next_;     // for the one after it
};

}  // namespace holdfast
