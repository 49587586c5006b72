// One configuration at work: its rooms, started from one pinned image and one plan. It introduces
// them to each other, starts again what dies, and ends them in order. Several live side by side
// while older ones finish what they have begun; what they share (listeners, the queue's token, the
// agents) is their owner's.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <string>
#include <variant>
#include <vector>

#include "smtpd/parent/agents.h"
#include "smtpd/parent/certificates.h"
#include "smtpd/parent/listeners.h"
#include "smtpd/parent/resident.h"

namespace holdfast {

class Generation {
  public:
    enum class Phase : std::uint8_t {
        starting,  // nobody outside notices it
        ready,     // every room stands, confined and configured; the certificates are in use
        going,     // told to serve
        serving,   // every room has said that it does
        draining,  // a later one serves, or the house ends
        over,
    };
    static constexpr unsigned phase_limit = 6;

    // What its rooms ask of the house.
    using Call =
        std::variant<links::SpawnMda, links::AbandonMda, links::StatusQuery, links::AliasesQuery,
                     links::AdminOrder, links::LogLost, links::Released, links::Settled>;
    struct Events {
        // A phase has been reached: ready, serving or over (every room has ended). The owner may
        // destroy this when the call has returned.
        std::function<void(Phase)> on_phase;
        // While starting or going: why it will not serve.
        std::function<void(const Report& why)> on_failed;
        std::function<void(Call)> on_call;
        // From when it serves to its end. Up: it has said Ready and goes.
        enum class Qmgr : std::uint8_t { up, down };
        std::function<void(Qmgr)> on_qmgr;
        // It drains, and whoever comes from now on is not served here any more.
        std::function<void()> on_not_accepting = {};
        // While serving: a room that died cannot be started again from the programs that are
        // pinned; others may be installed.
        std::function<void()> on_outdated = {};
        // An smtpin has crashed or broke rules: somebody else may have had its secrets.
        std::function<void()> on_smtpin_lost = {};
        // Nobody serves yet: a room that fails when it is to serve is tried again.
        bool alone = false;
    };

    // A room that is not ready by then will not be.
    static constexpr Duration start_limit = std::chrono::seconds(10);

    // Of a new plan. Fails with the errno of memfd_create.
    static Result<std::unique_ptr<Generation>> make(Loop& loop, const Outfit& outfit,
                                                    const links::Plan& plan);
    // What an earlier program in this process has left, which check_state() has seen.
    static std::unique_ptr<Generation> adopt(Loop& loop, Outfit outfit,
                                             links::GenerationState state);
    // Kills what lives.
    ~Generation();

    void listen_to(Events events) { events_ = std::move(events); }

    // The three steps. start() fails with the errno of fork, having ended what it began.
    Status start();
    void serve(const std::vector<BoundListener>& listeners, int control_socket);
    // After adopt(): goes on where it was. `listeners`: none where it drains.
    void resume(const std::vector<BoundListener>& listeners, int control_socket);
    // Sessions go on for as long as the configuration allows. `leaving`: see links::Drain.
    void drain(std::vector<std::string> leaving);
    // Sessions end between two transactions, whether it drained before or not.
    void stop();

    void kill();
    // The parent is about to end: sessions are told to finish, and nobody looks after the rooms
    // from here on.
    void leave_alone();

    Phase phase() const { return phase_; }
    // New connections may reach its rooms, but for those on listeners that leave.
    bool accepts() const { return std::ranges::any_of(rooms_, &Resident::accepts); }
    std::uint32_t number() const { return outfit_.generation; }
    const Outfit& outfit() const { return outfit_; }
    const std::string& config() const { return config_; }
    // What the administrator would see changed if this came after `before`, a line each.
    std::vector<std::string> changes_from(const Generation& before) const;
    WallTime config_loaded() const { return config_loaded_; }
    const Agents::Kit& agent_kit() const { return kit_; }
    Resident& room(links::Room wanted);
    // Those of the rooms of this generation that serve TLS.
    Certificates& certificates() { return certificates_; }
    const Certificates& certificates() const { return certificates_; }
    // The newest first.
    void use_ticket_keys(std::vector<std::string> keys);
    std::vector<links::RoomStatus> status() const;

    // Of the alias files that this generation reads; given to qmgr at once.
    Status use_aliases(const links::AliasSnapshot& aliases);
    void use_log(int log);
    // Beside those before.
    void use_control_socket(int socket);

    // Messages that the rooms have not taken yet, after a try to write them.
    bool flushed();
    // For a successor in this process: all but the token's part.
    links::GenerationState leave() const;

    // The rooms' calls.
    void room_ready(Resident& room);
    void room_serves();
    void room_accepts_no_more();
    void room_ended(Resident& room, Resident::State before, const Ending& ending);
    void room_malformed(links::Room sender);
    void start_again(Resident& room);
    void on(links::KeysLoaded&& answer) { certificates_.on(std::move(answer)); }
    void on(links::CertificatesLoaded&& answer) { certificates_.on(std::move(answer)); }
    void on(links::CertificatesInUse&& answer) { certificates_.on(std::move(answer)); }
    void on(links::CertificatesFree&& news) { certificates_.on(std::move(news)); }
    void on(links::FileWanted&& wanted);
    template <class Message>
    void on(Message&& message) {
        if (events_.on_call) events_.on_call(Call(std::forward<Message>(message)));
    }

  private:
    Generation(Loop& loop, Outfit outfit);

    Status configure(const links::Plan& plan);
    void do_without(links::Room unneeded);
    Resident* find(links::Room wanted);
    template <class Message>
    bool tell(links::Room wanted, Message message);
    void load_certificates();
    void give_ticket_keys(Resident& smtpin);
    void hold(const std::vector<BoundListener>& listeners, int control_socket);
    void connect(const Pair& pair);
    bool is_needed(const Resident& room) const;
    void give_belongings(Resident& room);
    void fail(Report why);
    void go(Resident& room);
    void kill_late_starters();
    void begin_drain(links::Drain order);
    void limit_drain();
    void end_drain();
    void next_step_of_drain();
    void reach(Phase phase);
    void tell_of_qmgr(const Resident& room, Events::Qmgr news);

    Outfit outfit_;
    std::string config_;
    std::vector<std::string> statements_;
    WallTime config_loaded_;
    std::list<Resident> rooms_;
    // Rooms of a later version that has failed. Without a channel they end as without a parent.
    std::vector<std::unique_ptr<Process>> strangers_;
    Agents::Kit kit_;
    std::uint32_t patience_seconds_ = 0;
    std::uint32_t drain_limit_seconds_ = 0;
    UniqueFd aliases_;  // sealed links::AliasSnapshot
    std::vector<std::string> relay_files_;
    Certificates certificates_;
    std::vector<std::string> ticket_keys_;
    // What it serves on; none once it drains.
    std::vector<BoundListener> listeners_;
    UniqueFd control_socket_;
    Events events_;
    Phase phase_ = Phase::starting;
    Timer start_deadline_;
    Timer drain_deadline_;
};

template <class Message>
void Resident::on(Message&& message) {
    generation_.on(std::forward<Message>(message));
}

}  // namespace holdfast
