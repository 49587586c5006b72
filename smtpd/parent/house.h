// The house: what outlives every generation of rooms, and the changes from one to the next. Start,
// reload and restart are one path: a candidate that nobody notices is brought to the point where
// it could serve; it serves, and only then is the one before it told to finish what it has begun.
// Parses nothing from outside; the table of rooms (rooms.h) and the messages of links/parent_*.h
// are all it knows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/loop/log_keeper.h"
#include "smtpd/parent/admin.h"
#include "smtpd/parent/agents.h"
#include "smtpd/parent/candidate.h"
#include "smtpd/parent/generation.h"
#include "smtpd/parent/leaving_listeners.h"
#include "smtpd/parent/notify.h"
#include "smtpd/parent/queue_token.h"
#include "smtpd/parent/rehearsal.h"
#include "smtpd/parent/roster.h"
#include "smtpd/parent/run_directory.h"
#include "smtpd/parent/succession.h"
#include "smtpd/parent/system_log.h"
#include "smtpd/parent/ticket_keys.h"

namespace holdfast {

struct HouseFacts {
    Outfit outfit;       // of the first generation; later ones differ in image and number
    Image::Paths paths;  // where an upgrade puts its programs
    std::string config;  // smtpd -f; empty: the default
    bool foreground = false;
    UniqueFd lock;                       // of the instance
    std::vector<InheritedFd> kept = {};  // by the service manager, at the start
};

class House {
  public:
    // Generations that may live at a time: one serves, the others finish.
    static constexpr std::size_t max_generations = 4;
    // Who may wait for an answer at a time.
    static constexpr std::size_t max_waiters = 500;

    House(Loop& loop, HouseFacts facts);
    ~House();

    // From nothing. `on_serving` is called when every room serves; what fails ends the loop with a
    // sysexits status.
    void start(std::function<void()> on_serving);

    // From what an earlier program in this process has left, of which `facts` were made. Attempt 1
    // goes on with the restart, and executes the fallback where that fails; attempt 2 says why.
    void resume(links::ParentState state, Resumption resumption);

    enum class Stop : std::uint8_t { when_finished, now };
    // Ends the rooms in order, then the loop with status 0.
    void stop(Stop how);

    // Ends the loop with status 0 and leaves the rooms to themselves: they take no more connections
    // and finish their sessions, while the process that comes next listens on the sockets that the
    // service manager has kept. Without a manager this is a stop.
    void leave_rooms();

    // At once, or after what is in progress.
    void want(Work::Task task);

    // Why the start has failed, for a person; empty where it has not.
    const std::string& failure() const { return failure_; }

  private:
    Generation& serving() { return *generations_.back(); }
    Generation* find(std::uint32_t number);
    Generation::Events events_of(std::uint32_t number);

    // The work in progress.
    // The one who waits is told at once where too many do.
    template <class Waiter>
    void want(Work::Task task, bool now, Waiter waiter);
    void next_work();
    void begin(Work work);
    void finish_work(Report report);
    void answer(const Work& work, const Report& report);
    void answer(const links::Asker& asker, const Report& report);
    void answer(const UniqueFd& client, const Report& report);
    void refuse_work(const Report& report);
    void wait_for_room();

    void prepare(std::shared_ptr<const Image> image);
    void prepared(const Report& report);
    Report switch_over();
    void candidate_serves();
    void finish_change();
    void candidate_failed(const Report& why);
    void retire_newcomer();
    void first_start_failed(const Report& report);

    void hold_back_for_strangers();
    void look_for_strangers();
    void use_kept_sockets();
    bool use_kept(InheritedFd& kept);
    void find_orphans_of_another();
    void have_listeners_found();
    void have_control_kept();
    void have_listeners_kept(const std::vector<BoundListener>& before);
    void control_republished();
    std::string status_line() const;

    // Certificates, and the keys of TLS session tickets.
    static constexpr Duration between_looks_at_certificates = std::chrono::hours(24);
    void reload_certificates();
    void certificates_reloaded(Report report);
    void certificates_loaded();
    void look_at_certificates();
    void renew_ticket_keys();
    void replace_ticket_keys();
    void spread_ticket_keys();

    void read_aliases();
    void aliases_read(ProbeAnswer answer);

    void restart();
    void programs_gone(std::uint32_t number);
    void rehearsed(const Report& report);
    void hand_over();
    links::ParentState leave();
    void give_way_to_fallback(const Report& report);

    // What generations and their rooms say.
    void phase_reached(Generation& generation, Generation::Phase phase);
    void qmgr_changed(std::uint32_t number, Generation::Events::Qmgr news);
    void on(Generation& from, links::SpawnMda&& request);
    void on(Generation& from, links::AbandonMda&& request);
    void on(Generation& from, links::StatusQuery&& query);
    void on(Generation& from, links::AliasesQuery&& query);
    void on(Generation& from, links::AdminOrder&& order);
    void on(Generation& from, links::LogLost&&);
    void on(Generation& from, links::Released&& said);
    void on(Generation& from, links::Settled&& said);

    void sweep();
    void stop_when_alone();
    void kill_the_rest();
    void log_opened();
    links::StatusReply status(std::uint64_t request) const;

    Loop& loop_;
    HouseFacts facts_;
    SystemLog log_;
    LogKeeper log_keeper_;
    ServiceManager manager_;
    MonoTime started_;
    RunDirectory run_;
    std::string kept_control_;  // its name at the service manager
    std::vector<BoundListener> listeners_;
    LeavingListeners leaving_;
    std::vector<std::unique_ptr<Generation>> generations_;  // oldest first; the last one serves
    std::uint32_t last_generation_ = 0;
    std::uint32_t outdated_ = 0;  // the generation for which a restart has been tried unasked
    TicketKeys ticket_keys_;
    Timer ticket_timer_;
    Timer certificates_timer_;
    Agents agents_;
    QueueToken token_;

    WorkQueue waiting_;
    std::optional<Work> work_;
    std::unique_ptr<ProbeRun> aliases_probe_;
    std::unique_ptr<Candidate> candidate_;
    std::unique_ptr<Rehearsal> rehearsal_;
    std::shared_ptr<const Image> successor_;  // of a restart
    Resumption resumption_;                   // while a restart is being completed
    std::function<void()> on_serving_;        // of the first start
    std::unique_ptr<Generation> newcomer_;    // told to serve, and not there yet
    Report change_;                           // ... and what there is to say of that
    std::optional<Report> done_;  // ... when nobody is accepted by those before any more
    Timer not_accepting_deadline_;
    Timer hand_over_timer_;
    MonoTime hand_over_began_;

    std::string last_change_;
    WallTime last_change_at_;
    std::vector<UniqueFd> orphans_;  // rooms of a parent that was killed
    MonoTime strangers_since_;
    Timer strangers_timer_;
    bool stopping_ = false;
    Timer stop_deadline_;
    MonoTime alone_by_;  // rooms of earlier parents are waited for so long
    Timer sweep_timer_;
    Roster roster_;
    std::string failure_;
};

}  // namespace holdfast
