#include "smtpd/parent/house.h"

#include <algorithm>
#include <csignal>

#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"
#include "smtpd/base/paths.h"
#include "smtpd/base/write.h"
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

}  // namespace

House::House(Loop& loop, HouseFacts facts, links::Plan plan, std::vector<BoundListener> listeners,
             ControlSocket control)
    : loop_(loop),
      facts_(std::move(facts)),
      log_(loop, facts_.outfit.log, system_log_path, [this] { log_opened(); }),
      log_keeper_(loop, [this] { log_.lost(); }),
      plan_(std::move(plan)),
      listeners_(std::move(listeners)),
      control_(std::move(control)),
      agents_(loop,
              [this](auto reply) {
                  std::visit([this](auto& said) { room(links::Room::qmgr).send(std::move(said)); },
                             reply);
              }),
      started_(loop.now()),
      config_loaded_(loop.clock().wall()),
      start_deadline_(loop, [this] { kill_late_starters(); }),
      stop_deadline_(loop, [this] { kill_the_rest(); }) {
    for (const RoomRow& row : room_table()) rooms_.emplace_back(loop, *this, row);
    agents_.when_empty([this] {
        if (phase_ == Phase::stopping) next_step_of_stop();
    });
}

Resident& House::room(links::Room wanted) {
    const auto found = std::ranges::find_if(
        rooms_, [wanted](const Resident& room) { return room.row().room == wanted; });
    if (found == rooms_.end()) panic("there is no such room");
    return *found;
}

Status House::start() {
    if (const auto done = configure(); !done) return done.error().pass();
    for (Resident& room : rooms_) {
        if (const auto started = room.start(); !started) return started.error().pass();
    }
    start_deadline_.set(start_limit);
    return {};
}

Status House::configure() {
    for (Resident& room : rooms_) {
        auto snapshot = room.row().seal(plan_);
        if (!snapshot) return snapshot.error().pass();
        const std::string name(links::room_name(room.row().room));
        const auto found = std::ranges::find(plan_.identities, name, &links::Identity::room);
        room.configure(
            facts_.outfit,
            found != plan_.identities.end() ? *found : links::Identity{name, geteuid(), getegid()},
            std::move(*snapshot));
    }
    auto snapshot = links::seal_struct("mda", plan_.mda);
    if (!snapshot) return snapshot.error().pass();
    agents_.configure(facts_.outfit, std::move(*snapshot));
    return {};
}

void House::kill_late_starters() {
    for (Resident& room : rooms_) {
        if (room.state() == Resident::State::starting) room.kill(SIGKILL);
    }
}

// One that came back meets the others anew, which drop their old channel to it.
void House::room_ready(Resident& room) {
    if (phase_ == Phase::starting) {
        if (std::ranges::all_of(rooms_, &Resident::up)) all_serve();
    } else if (phase_ == Phase::serving) {
        for (const Pair& pair : pairs) {
            if (pair.one == room.row().room || pair.other == room.row().room) connect(pair);
        }
        give_belongings(room);
        room.serve();
    }
}

void House::all_serve() {
    start_deadline_.cancel();
    phase_ = Phase::serving;
    for (const Pair& pair : pairs) connect(pair);
    for (Resident& room : rooms_) give_belongings(room);
    for (Resident& room : rooms_) room.serve();
    log::info("serving", {{"generation", facts_.outfit.generation},
                          {"listeners", listeners_.size()},
                          {"version", paths::version}});
    if (facts_.on_serving) facts_.on_serving();
}

// Both must be up: a room that is not will be introduced when it is ready.
void House::connect(const Pair& pair) {
    Resident& one = room(pair.one);
    Resident& other = room(pair.other);
    if (!one.up() || !other.up()) return;
    auto channel = make_channel(pair.descriptors);
    if (!channel) return log::error("introduction-failed", {{"reason", channel.error()}});
    one.send(links::Peer{pair.other, std::move(channel->first)});
    other.send(links::Peer{pair.one, std::move(channel->second)});
}

// What a room has beside its peers, at every start anew.
void House::give_belongings(Resident& room) {
    if (room.row().room == links::Room::smtpin) {
        for (const BoundListener& listener : listeners_) {
            room.send(links::Listener{listener.address, duplicate(listener.socket.get())});
        }
    }
    if (room.row().room == links::Room::control) {
        room.send(links::Listener{paths::control_socket, duplicate(control_.socket())});
    }
    if (room.row().room == links::Room::qmgr) give_aliases();
}

void House::give_aliases() {
    auto snapshot = links::seal_struct("aliases", plan_.aliases);
    if (!snapshot) return log::error("aliases-failed", {{"reason", snapshot.error()}});
    room(links::Room::qmgr).send(links::NewAliases{std::move(*snapshot)});
}

void House::room_ended(Resident& room, const Ending& ending) {
    const std::string_view name = links::room_name(room.row().room);
    if (phase_ == Phase::stopping) {
        if (!ending.clean()) log::warning("room-ended", {{"room", name}, {"how", ending.text()}});
        return next_step_of_stop();
    }
    log::error("room-ended", {{"room", name}, {"how", ending.text()}});
    if (phase_ == Phase::starting) {
        failure_ = "the room " + std::string(name) + " could not start (" + ending.text() +
                   "): its last line in the log says why";
        return fail(EX_SOFTWARE);
    }
    if (room.row().room == links::Room::qmgr) agents_.forget_requests();
    room.plan_restart();
}

void House::start_again(Resident& room) {
    if (phase_ != Phase::serving) return;
    if (const auto started = room.start(); !started) {
        log::error("room-failed", {{"reason", started.error()}});
        room.plan_restart();
    }
    start_deadline_.set(start_limit);
}

// The receiver has closed the channel; its sender is replaced, whoever was at fault.
void House::room_malformed(links::Room sender) {
    log::error("room-malformed", {{"room", links::room_name(sender)}});
    for (Resident& room : rooms_) {
        if (room.row().room == sender) room.kill(SIGKILL);
    }
}

void House::fail(int status) {
    phase_ = Phase::stopping;
    for (Resident& room : rooms_) room.kill(SIGKILL);
    control_.withdraw();
    loop_.stop(status);
}

void House::stop(Stop how) {
    const bool first = phase_ != Phase::stopping;
    if (first) log::info("stopping", {});
    phase_ = Phase::stopping;
    aliases_probe_.reset();
    if (how == Stop::now) return kill_the_rest();
    if (!first) return;
    stop_deadline_.set(stop_limit);
    next_step_of_stop();
}

void House::next_step_of_stop() {
    constexpr unsigned none = ~0U;
    unsigned step = none;
    for (const Resident& room : rooms_) {
        const bool over = room.state() == Resident::State::down;
        if (!over) step = std::min(step, room.row().stop_step);
    }
    for (Resident& room : rooms_) {
        if (room.row().stop_step == step) room.drain();
    }
    if (step != none || !agents_.empty()) return;
    control_.withdraw();
    log::info("stopped", {});
    loop_.stop(EX_OK);
}

void House::kill_the_rest() {
    for (Resident& room : rooms_) room.kill(SIGKILL);
    agents_.kill_all(SIGKILL);
    next_step_of_stop();
}

// Agents do without: they live for seconds, and qmgr logs what they did.
void House::log_opened() {
    log::reopen(duplicate(facts_.outfit.log));
    for (Resident& room : rooms_) room.send(links::NewLog{duplicate(facts_.outfit.log)});
}

void House::on(links::SpawnMda&& request) {
    agents_.spawn(std::move(request));
}

void House::on(links::AbandonMda&& request) {
    agents_.abandon(request);
}

void House::on(links::StopQuery&& query) {
    Resident& control = room(links::Room::control);
    if (!may_command(query.client.get())) {
        control.send(links::Done{query.request, EX_NOPERM, "only root may stop smtpd"});
        return;
    }
    control.send(links::Done{query.request, EX_OK, {}});
    control.flush();
    stop(query.now ? Stop::now : Stop::when_finished);
}

void House::on(links::StatusQuery&& query) {
    room(links::Room::control).send(status(query.request));
}

links::StatusReply House::status(std::uint64_t request) {
    links::StatusReply reply;
    reply.request = request;
    reply.version = paths::version;
    reply.generation = facts_.outfit.generation;
    reply.uptime_seconds = whole_seconds(loop_.now() - started_);
    reply.config = plan_.config;
    reply.config_loaded = config_loaded_.time_since_epoch().count();
    reply.privileged = facts_.outfit.privileged;
    links::RoomStatus self;
    self.pid = getpid();
    self.uid = geteuid();
    self.generation = reply.generation;
    self.uptime_seconds = reply.uptime_seconds;
    reply.rooms.push_back(std::move(self));
    for (const Resident& room : rooms_) reply.rooms.push_back(room.status());
    for (auto& agent : agents_.status()) reply.rooms.push_back(std::move(agent));
    for (const BoundListener& listener : listeners_) reply.listeners.push_back(listener.address);
    return reply;
}

void House::on(links::AliasesQuery&& query) {
    reload_aliases([this, request = query.request](const AliasNews& news) {
        links::Done done{request, EX_OK, news.complaints};
        if (!news.read) {
            done.status = EX_CONFIG;
            done.text += news.read.error().text();
        }
        room(links::Room::control).send(std::move(done));
    });
}

// Requests that come while the probe runs wait for a run of their own: the file may have changed
// after this one had read it.
void House::reload_aliases(std::function<void(const AliasNews&)> done) {
    aliases_next_.push_back(std::move(done));
    if (!aliases_probe_) read_aliases();
}

void House::read_aliases() {
    aliases_waiting_ = std::exchange(aliases_next_, {});
    ProbeRequest request = facts_.probe;
    request.complaints = ProbeRequest::Complaints::kept;
    aliases_probe_ = std::make_unique<ProbeRun>(
        loop_, request, [this](ProbeAnswer answer) { aliases_read(std::move(answer)); });
}

// The complaints go to standard error too, as at the start: the journal's, under systemd.
void House::aliases_read(ProbeAnswer answer) {
    AliasNews news{{}, std::move(answer.complaints)};
    static_cast<void>(write_all(STDERR_FILENO, news.complaints));
    if (answer.plan) {
        plan_.aliases = std::move(answer.plan->aliases);
        give_aliases();
    } else {
        const std::string& reason = answer.plan.error().text();
        const std::string first_line = news.complaints.substr(0, news.complaints.find('\n'));
        log::error("aliases-failed", {{"reason", reason.empty() ? first_line : reason}});
        news.read = plain_error((reason.empty() ? "" : reason + "; ") +
                                std::string("the aliases read before stay in force"));
    }
    aliases_probe_.reset();
    for (const auto& done : std::exchange(aliases_waiting_, {})) done(news);
    if (!aliases_next_.empty()) read_aliases();
}

}  // namespace holdfast
