#include "smtpd/parent/house.h"

#include <algorithm>
#include <csignal>

#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/links/snapshot_file.h"

namespace holdfast {

namespace {

// A room that is not ready by then will not be.
constexpr Duration start_limit = std::chrono::seconds(10);
// What is in hand at a stop is finished within this, or cut.
constexpr Duration stop_limit = std::chrono::seconds(20);

// Root, or whoever runs an unprivileged instance. The kernel is asked, not the room that passed
// the client on.
bool may_command(int client) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

template <class Rows>
struct ResidentsOf;

template <class... Rows>
struct ResidentsOf<std::tuple<Rows...>> {
    ResidentsOf(Loop& loop, House& house)
        : all(std::make_unique<Resident<Rows, House>>(loop, house)...) {}
    std::tuple<std::unique_ptr<Resident<Rows, House>>...> all;
};

}  // namespace

struct House::Rooms : ResidentsOf<AllRows> {
    using ResidentsOf::ResidentsOf;
    template <class Row>
    Resident<Row, House>& get() {
        return *std::get<std::unique_ptr<Resident<Row, House>>>(all);
    }
    // A step of the stop is over, or a start complete.
    template <class Predicate>
    bool every(Predicate predicate) {
        return std::apply([&](auto&... room) { return (predicate(*room) && ...); }, all);
    }
};

template <class Action>
void House::for_each_room(Action action) {
    std::apply([&](auto&... room) { (action(*room), ...); }, rooms_->all);
}

template <class Action>
void House::with_room(links::Room wanted, Action action) {
    for_each_room([&](auto& room) {
        if (room.room == wanted) action(room);
    });
}

House::House(Loop& loop, HouseFacts facts, links::Plan plan, std::vector<BoundListener> listeners,
             ControlSocket control)
    : loop_(loop),
      facts_(std::move(facts)),
      plan_(std::move(plan)),
      listeners_(std::move(listeners)),
      control_(std::move(control)),
      rooms_(std::make_unique<Rooms>(loop, *this)),
      agents_(loop,
              [this](auto reply) {
                  std::visit(
                      [this](auto& message) { rooms_->get<QmgrRow>().send(std::move(message)); },
                      reply);
              }),
      started_(loop.now()),
      config_loaded_(loop.clock().wall()),
      start_deadline_(loop,
                      [this] {
                          for_each_room([](auto& room) {
                              if (room.starting()) room.kill(SIGKILL);
                          });
                      }),
      stop_deadline_(loop, [this] { kill_the_rest(); }) {
    agents_.when_empty([this] {
        if (phase_ == Phase::stopping) next_step_of_stop();
    });
}

House::~House() = default;

Status House::start() {
    if (const auto done = configure(); !done) return done.error().pass();
    Status result;
    for_each_room([&](auto& room) {
        if (result) result = room.start();
    });
    start_deadline_.set(start_limit);
    return result;
}

Status House::configure() {
    Status result;
    for_each_room([&]<class Row>(Resident<Row, House>& room) {
        const std::string name(links::room_name(Row::room));
        auto snapshot = links::seal_struct(name, plan_.*Row::snapshot);
        if (!snapshot) {
            result = snapshot.error().pass();
            return;
        }
        const auto identity = std::ranges::find(plan_.identities, name, &links::Identity::room);
        const bool known = identity != plan_.identities.end();
        room.configure(facts_.outfit,
                       known ? *identity : links::Identity{name, geteuid(), getegid()},
                       std::move(*snapshot));
    });
    auto snapshot = links::seal_struct("mda", plan_.mda);
    if (!snapshot) return snapshot.error().pass();
    agents_.configure(facts_.outfit, std::move(*snapshot));
    return result;
}

void House::room_ready(links::Room room) {
    if (phase_ == Phase::stopping) return;
    if (phase_ == Phase::serving) return restart(room);
    if (rooms_->every([](auto& resident) { return resident.up(); })) all_serve();
}

void House::all_serve() {
    start_deadline_.cancel();
    phase_ = Phase::serving;
    for (const Pair& pair : pairs) connect(pair);
    for_each_room([this](auto& room) { give_belongings(room.room); });
    for_each_room([](auto& room) { room.serve(); });
    log::info("serving", {{"generation", facts_.outfit.generation},
                          {"listeners", listeners_.size()},
                          {"version", paths::version}});
    if (facts_.on_serving) facts_.on_serving();
}

// A room that came back: it meets the others anew, which drop their old channel to it.
void House::restart(links::Room room) {
    for (const Pair& pair : pairs) {
        if (pair.one == room || pair.other == room) connect(pair);
    }
    give_belongings(room);
    with_room(room, [](auto& resident) { resident.serve(); });
}

// Both must be up: a room that is not will be introduced when it is ready.
void House::connect(const Pair& pair) {
    bool both_up = true;
    for (const links::Room end : {pair.one, pair.other}) {
        with_room(end, [&](auto& room) { both_up = both_up && room.up(); });
    }
    if (!both_up) return;
    auto channel = make_channel();
    if (!channel) {
        log::error("introduction-failed", {{"reason", channel.error()}});
        return;
    }
    with_room(pair.one,
              [&](auto& room) { room.send(links::Peer{pair.other, std::move(channel->first)}); });
    with_room(pair.other,
              [&](auto& room) { room.send(links::Peer{pair.one, std::move(channel->second)}); });
}

// What a room has beside its peers, at every start anew.
void House::give_belongings(links::Room room) {
    if (room == links::Room::smtpin) {
        for (const BoundListener& listener : listeners_) {
            rooms_->get<SmtpinRow>().send(
                links::Listener{listener.address, duplicate(listener.socket.get())});
        }
    }
    if (room == links::Room::control) {
        rooms_->get<ControlRow>().send(
            links::Listener{paths::control_socket, duplicate(control_.socket())});
    }
    if (room == links::Room::qmgr) give_aliases();
}

void House::give_aliases() {
    auto snapshot = links::seal_struct("aliases", plan_.aliases);
    if (!snapshot) {
        log::error("aliases-failed", {{"reason", snapshot.error()}});
        return;
    }
    rooms_->get<QmgrRow>().send(links::NewAliases{std::move(*snapshot)});
}

void House::room_ended(links::Room room, const Ending& ending) {
    const std::string_view name = links::room_name(room);
    if (phase_ == Phase::stopping) {
        if (!ending.clean()) log::warning("room-ended", {{"room", name}, {"how", ending.text()}});
        return next_step_of_stop();
    }
    log::error("room-ended", {{"room", name}, {"how", ending.text()}});
    if (phase_ == Phase::starting) return fail(EX_SOFTWARE);
    if (room == links::Room::qmgr) agents_.forget_requests();
    with_room(room, [this](auto& resident) {
        resident.restart_after(resident.budget().take(loop_.now()));
    });
}

void House::start_again(links::Room room) {
    if (phase_ != Phase::serving) return;
    with_room(room, [this](auto& resident) {
        if (const auto started = resident.start(); !started) {
            log::error("room-failed", {{"reason", started.error()}});
            resident.restart_after(resident.budget().take(loop_.now()));
        }
    });
    start_deadline_.set(start_limit);
}

// The receiver has closed the channel; its sender is replaced, whoever was at fault.
void House::room_malformed(links::Room sender) {
    log::error("room-malformed", {{"room", links::room_name(sender)}});
    with_room(sender, [](auto& room) { room.kill(SIGKILL); });
}

void House::fail(int status) {
    phase_ = Phase::stopping;
    for_each_room([](auto& room) { room.kill(SIGKILL); });
    control_.withdraw();
    loop_.stop(status);
}

void House::stop(Stop how) {
    if (phase_ != Phase::stopping) log::info("stopping", {});
    const bool first = phase_ != Phase::stopping;
    phase_ = Phase::stopping;
    aliases_probe_.reset();
    if (how == Stop::now) return kill_the_rest();
    if (!first) return;
    stop_deadline_.set(stop_limit);
    next_step_of_stop();
}

void House::next_step_of_stop() {
    for (const auto& step : stop_order) {
        bool over = true;
        for (const links::Room member : step) {
            with_room(member, [&](auto& room) {
                if (room.down()) return;
                over = false;
                if (!room.draining()) room.drain();
            });
        }
        if (!over) return;
    }
    if (!agents_.empty()) return;
    control_.withdraw();
    log::info("stopped", {});
    loop_.stop(EX_OK);
}

void House::kill_the_rest() {
    for_each_room([](auto& room) { room.kill(SIGKILL); });
    agents_.kill_all(SIGKILL);
    next_step_of_stop();
}

void House::on(links::SpawnMda&& request) {
    agents_.spawn(std::move(request));
}

void House::on(links::StopQuery&& query) {
    auto& control = rooms_->get<ControlRow>();
    if (!may_command(query.client.get())) {
        control.send(links::Done{query.request, EX_NOPERM, "only root may stop smtpd"});
        return;
    }
    control.send(links::Done{query.request, EX_OK, {}});
    control.flush();
    stop(query.now ? Stop::now : Stop::when_finished);
}

void House::on(links::StatusQuery&& query) {
    rooms_->get<ControlRow>().send(status(query.request));
}

links::StatusReply House::status(std::uint64_t request) {
    links::StatusReply reply;
    reply.request = request;
    reply.version = paths::version;
    reply.generation = facts_.outfit.generation;
    const auto uptime = loop_.now() - started_;
    reply.uptime_seconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
    reply.config = plan_.config;
    reply.config_loaded = config_loaded_.time_since_epoch().count();
    reply.privileged = facts_.outfit.privileged;
    links::RoomStatus self;
    self.pid = getpid();
    self.uid = geteuid();
    self.generation = reply.generation;
    self.uptime_seconds = reply.uptime_seconds;
    reply.rooms.push_back(std::move(self));
    for_each_room([&](auto& room) { reply.rooms.push_back(room.status()); });
    for (auto& agent : agents_.status()) reply.rooms.push_back(std::move(agent));
    for (const BoundListener& listener : listeners_) reply.listeners.push_back(listener.address);
    return reply;
}

void House::on(links::AliasesQuery&& query) {
    reload_aliases([this, request = query.request](const Status& result) {
        links::Done done{request, EX_OK, {}};
        if (!result) {
            done.status = EX_CONFIG;
            done.text = result.error().text();
        }
        rooms_->get<ControlRow>().send(std::move(done));
    });
}

// Requests that come while the probe runs wait for a run of their own: the file may have changed
// after this one had read it.
void House::reload_aliases(std::function<void(const Status&)> done) {
    aliases_next_.push_back(std::move(done));
    if (!aliases_probe_) read_aliases();
}

void House::read_aliases() {
    aliases_waiting_ = std::exchange(aliases_next_, {});
    aliases_probe_ = std::make_unique<ProbeRun>(
        loop_, facts_.probe, [this](Result<links::Plan> plan) { aliases_read(std::move(plan)); });
}

void House::aliases_read(Result<links::Plan> plan) {
    Status result;
    if (plan) {
        plan_.aliases = std::move(plan->aliases);
        give_aliases();
    } else {
        const std::string& reason = plan.error().text();
        result = plain_error(reason.empty() ? "the configuration has errors (see mtactl check); "
                                              "the aliases read before stay in force"
                                            : reason);
        log::error("aliases-failed", {{"reason", result.error()}});
    }
    aliases_probe_.reset();
    for (const auto& done : std::exchange(aliases_waiting_, {})) done(result);
    if (!aliases_next_.empty()) read_aliases();
}

}  // namespace holdfast
