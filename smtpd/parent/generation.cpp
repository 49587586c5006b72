#include "smtpd/parent/generation.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/paths.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/parent/changes.h"
#include "smtpd/parent/sealed_copy.h"

namespace holdfast {

namespace {

links::Identity identity_of(links::Room room, const links::Plan& plan) {
    const std::string name(links::room_name(room));
    const auto found = std::ranges::find(plan.identities, name, &links::Identity::room);
    return found != plan.identities.end() ? *found : links::Identity{name, geteuid(), getegid()};
}

std::string advice(const Ending& ending) {
    if (!ending.not_executed()) return "its last line in the log says why";
    return "it cannot be executed here (a shared library is missing, it is not for this machine, "
           "or "
           "its mode is wrong)";
}

}  // namespace

Generation::Generation(Loop& loop, Outfit outfit)
    : outfit_(std::move(outfit)),
      config_loaded_(loop.clock().wall()),
      certificates_(loop,
                    {[this](auto message) { return tell(links::Room::signer, std::move(message)); },
                     [this](auto message) { return tell(links::Room::smtpin, std::move(message)); },
                     [this] { room(links::Room::signer).kill(SIGKILL); }}),
      start_deadline_(loop, [this] { kill_late_starters(); }),
      drain_deadline_(loop, [this] { end_drain(); }) {
    for (const RoomRow& row : room_table()) rooms_.emplace_back(loop, *this, row);
}

Generation::~Generation() {
    kill();
}

Result<std::unique_ptr<Generation>> Generation::make(Loop& loop, const Outfit& outfit,
                                                     const links::Plan& plan) {
    std::unique_ptr<Generation> made(new Generation(loop, outfit));
    if (const auto done = made->configure(plan); !done) return done.error().pass();
    return made;
}

Status Generation::configure(const links::Plan& plan) {
    config_ = plan.config;
    statements_ = plan.statements;
    patience_seconds_ = static_cast<std::uint32_t>(plan.smtpin.drain_seconds);
    drain_limit_seconds_ = static_cast<std::uint32_t>(plan.smtpin.drain_limit_seconds);
    relay_files_ = plan.relay.files;
    if (plan.certificates.empty()) do_without(links::Room::signer);
    if (plan.relay.relays.empty()) do_without(links::Room::relay);
    for (Resident& room : rooms_) {
        auto snapshot = room.row().seal(plan);
        if (!snapshot) return snapshot.error().pass();
        room.configure({outfit_, identity_of(room.row().room, plan), std::move(*snapshot)});
    }
    auto snapshot = links::seal_struct("mda", plan.mda);
    if (!snapshot) return snapshot.error().pass();
    kit_ = std::make_shared<const AgentKit>(outfit_, std::move(*snapshot));
    certificates_.plan(plan.certificates);
    return use_aliases(plan.aliases);
}

void Generation::do_without(links::Room unneeded) {
    rooms_.remove_if([unneeded](const auto& one) { return one.row().room == unneeded; });
}

std::unique_ptr<Generation> Generation::adopt(Loop& loop, Outfit outfit,
                                              links::GenerationState state) {
    outfit.generation = state.number;
    outfit.image = Image::adopt(std::move(state.image));
    std::unique_ptr<Generation> made(new Generation(loop, std::move(outfit)));
    made->phase_ = static_cast<Phase>(state.phase);
    made->config_ = std::move(state.config);
    made->statements_ = std::move(state.statements);
    made->patience_seconds_ = state.patience_seconds;
    made->drain_limit_seconds_ = state.drain_limit_seconds;
    made->config_loaded_ = WallTime(std::chrono::milliseconds(state.config_loaded));
    made->kit_ = std::make_shared<const AgentKit>(made->outfit_, std::move(state.mda_snapshot));
    made->aliases_ = std::move(state.aliases);
    made->relay_files_ = std::move(state.relay_files);
    made->certificates_.adopt(std::move(state.certificates));
    // Rooms of a later version that an earlier one does without.
    made->rooms_.remove_if([&state](const Resident& one) {
        return std::ranges::find(state.rooms, links::room_name(one.row().room),
                                 &links::RoomState::room) == state.rooms.end();
    });
    for (links::RoomState& left : state.rooms) {
        const auto room = std::ranges::find_if(made->rooms_, [&left](const Resident& one) {
            return links::room_name(one.row().room) == left.room;
        });
        if (room != made->rooms_.end()) {
            room->adopt(made->outfit_, std::move(left));
        } else if (left.process.pid != 0) {
            made->strangers_.push_back(Process::adopt(
                loop, left.process.pid, std::move(left.process.pidfd), [](Ending) {}));
        }
    }
    return made;
}

Resident* Generation::find(links::Room wanted) {
    const auto found = std::ranges::find_if(
        rooms_, [wanted](const Resident& room) { return room.row().room == wanted; });
    return found == rooms_.end() ? nullptr : &*found;
}

Resident& Generation::room(links::Room wanted) {
    Resident* const found = find(wanted);
    if (found == nullptr) panic("there is no such room");
    return *found;
}

// Whether the room is there to hear it.
template <class Message>
bool Generation::tell(links::Room wanted, Message message) {
    Resident* const to = find(wanted);
    if (to == nullptr || (!to->up() && to->state() != Resident::State::draining)) return false;
    std::visit([&](auto& said) { to->send(std::move(said)); }, message);
    return true;
}

// --- the way up ---------------------------------------------------------------------------------

Status Generation::start() {
    for (Resident& room : rooms_) {
        if (const auto started = room.start(); !started) {
            kill();
            return started.error().pass();
        }
    }
    start_deadline_.set(start_limit);
    return {};
}

void Generation::kill_late_starters() {
    const bool up = std::ranges::all_of(rooms_, &Resident::up);
    if (up && phase_ == Phase::going) {
        return fail({EX_SOFTWARE, "its rooms did not begin to serve", {}});
    }
    for (Resident& room : rooms_) {
        if (room.state() == Resident::State::starting) room.kill(SIGKILL);
    }
}

// One that came back meets the others anew, which drop their old channel to it.
void Generation::room_ready(Resident& room) {
    if (phase_ == Phase::starting) {
        if (!std::ranges::all_of(rooms_, &Resident::up)) return;
        start_deadline_.cancel();
        return load_certificates();
    }
    if (phase_ == Phase::ready) return;
    certificates_.came_up(room.row().room);
    for (const Pair& pair : pairs) {
        if (pair.one == room.row().room || pair.other == room.row().room) connect(pair);
    }
    go(room);
}

// What its rooms cannot use keeps it from serving.
void Generation::load_certificates() {
    certificates_.load([this](const Report& report) {
        if (report.good()) return reach(Phase::ready);
        fail(report);
    });
}

void Generation::use_ticket_keys(std::vector<std::string> keys) {
    ticket_keys_ = std::move(keys);
    Resident& smtpin = room(links::Room::smtpin);
    if (phase_ >= Phase::going && smtpin.up()) give_ticket_keys(smtpin);
}

// Without certificates nobody needs them; nor would the smtpin of a version without TLS know them.
void Generation::give_ticket_keys(Resident& smtpin) {
    if (find(links::Room::signer) != nullptr) smtpin.send(links::TicketKeys{ticket_keys_});
}

void Generation::hold(const std::vector<BoundListener>& listeners, int control_socket) {
    for (const BoundListener& one : listeners) {
        listeners_.push_back({one.plan, duplicate(one.socket.get())});
    }
    control_socket_ = duplicate(control_socket);
}

void Generation::resume(const std::vector<BoundListener>& listeners, int control_socket) {
    if (phase_ == Phase::serving) hold(listeners, control_socket);
    start_deadline_.set(start_limit);
    for (Resident& room : rooms_) {
        if (room.state() == Resident::State::down && is_needed(room)) room.plan_restart();
    }
    if (phase_ != Phase::draining) return;
    limit_drain();
    next_step_of_drain();
}

void Generation::serve(const std::vector<BoundListener>& listeners, int control_socket) {
    hold(listeners, control_socket);
    phase_ = Phase::going;
    start_deadline_.set(start_limit);
    for (const Pair& pair : pairs) connect(pair);
    for (Resident& room : rooms_) go(room);
}

void Generation::go(Resident& room) {
    give_belongings(room);
    room.serve();
    tell_of_qmgr(room, Events::Qmgr::up);
}

void Generation::room_serves() {
    const bool all = std::ranges::all_of(
        rooms_, [](const Resident& room) { return room.state() == Resident::State::serving; });
    if (phase_ != Phase::going || !all) return;
    start_deadline_.cancel();
    reach(Phase::serving);
}

void Generation::room_accepts_no_more() {
    if (phase_ == Phase::draining && !accepts() && events_.on_not_accepting) {
        events_.on_not_accepting();
    }
}

// Both must be up: a room that is not will be introduced when it is ready. A draining one has all
// it needs, or has lost what it needed.
void Generation::connect(const Pair& pair) {
    Resident* const one = find(pair.one);
    Resident* const other = find(pair.other);
    const auto can_meet = [](const Resident* room) {
        return room != nullptr && (room->up() || room->state() == Resident::State::draining);
    };
    if (!can_meet(one) || !can_meet(other)) return;
    auto channel = make_channel(pair.descriptors);
    if (!channel) return log::error("introduction-failed", {{"reason", channel.error()}});
    one->send(links::Peer{pair.other, std::move(channel->first)});
    other->send(links::Peer{pair.one, std::move(channel->second)});
}

// What a room has beside its peers, at every start anew.
void Generation::give_belongings(Resident& room) {
    switch (room.row().room) {
        case links::Room::smtpin:
            give_ticket_keys(room);
            for (const BoundListener& one : listeners_) {
                room.send(
                    links::Listener{one.plan.text, duplicate(one.socket.get()), one.plan.tls});
            }
            return;
        case links::Room::control:
            if (!control_socket_) return;
            room.send(links::Listener{paths::control_socket, duplicate(control_socket_.get())});
            return;
        case links::Room::qmgr:
            return room.send(links::NewAliases{duplicate(aliases_.get())});
        case links::Room::users:
        case links::Room::signer:
        case links::Room::relay:
        case links::Room::parent:
        case links::Room::mda:
        case links::Room::probe:
            return;
    }
}

// The secrets and certificates among them are trusted as far as nobody else can write them; how
// names are looked up is for the system to say.
void Generation::on(links::FileWanted&& wanted) {
    constexpr std::size_t largest = std::size_t{1} << 20;
    links::File answer{wanted.number, {}, {}};
    if (wanted.number >= relay_files_.size()) {
        answer.error = "there is no file of that number";
    } else {
        const bool of_the_system = wanted.number < links::trusted_file;
        auto copy = sealed_copy("relay", relay_files_[wanted.number], largest,
                                of_the_system ? Writers::anybody : Writers::ourselves);
        if (copy) answer.file = std::move(*copy);
        if (!copy) answer.error = copy.error().text();
    }
    room(links::Room::relay).send(std::move(answer));
}

Status Generation::use_aliases(const links::AliasSnapshot& aliases) {
    auto snapshot = links::seal_struct("aliases", aliases);
    if (!snapshot) return snapshot.error().pass();
    aliases_ = std::move(*snapshot);
    Resident& qmgr = room(links::Room::qmgr);
    if (phase_ >= Phase::going && qmgr.up()) give_belongings(qmgr);
    return {};
}

void Generation::use_log(int log) {
    for (Resident& room : rooms_) room.send(links::NewLog{duplicate(log)});
}

void Generation::use_control_socket(int socket) {
    control_socket_ = duplicate(socket);
    Resident& control = room(links::Room::control);
    if (control.up()) give_belongings(control);
}

// --- what goes wrong ----------------------------------------------------------------------------

void Generation::room_ended(Resident& room, Resident::State before, const Ending& ending) {
    const std::string_view name = links::room_name(room.row().room);
    tell_of_qmgr(room, Events::Qmgr::down);
    if (phase_ == Phase::over) return;
    if (phase_ > Phase::ready) certificates_.went_down(room.row().room);
    if (room.row().room == links::Room::smtpin && !ending.clean() && events_.on_smtpin_lost) {
        events_.on_smtpin_lost();
    }
    const bool expected = before == Resident::State::draining;
    if (!expected || !ending.clean()) {
        log::error("room-ended",
                   {{"room", name}, {"generation", number()}, {"how", ending.text()}});
    }
    switch (phase_) {
        case Phase::starting:
        case Phase::ready:
            return fail({EX_SOFTWARE,
                         "the room " + std::string(name) + " could not start (" + ending.text() +
                             "): " + advice(ending),
                         {}});
        case Phase::going:
            if (events_.alone) return room.plan_restart();
            // From here on it drains; those whom it served already may need that room.
            fail({EX_SOFTWARE,
                  "the room " + std::string(name) + " ended when it was to serve (" +
                      ending.text() + "): " + advice(ending),
                  {}});
            break;
        case Phase::serving:
            room.plan_restart();
            if (ending.not_executed() && events_.on_outdated) events_.on_outdated();
            return;
        case Phase::draining:
        case Phase::over:
            break;
    }
    room_accepts_no_more();
    if (!expected && is_needed(room)) return room.plan_restart();
    next_step_of_drain();
}

// While it drains: by those that finish what they have begun.
bool Generation::is_needed(const Resident& room) const {
    if (room.absent()) return false;
    if (phase_ != Phase::draining) return true;
    return std::ranges::any_of(rooms_, [&room](const Resident& other) {
        return other.state() != Resident::State::down &&
               other.row().stop_step < room.row().stop_step;
    });
}

void Generation::start_again(Resident& room) {
    if (phase_ < Phase::going || phase_ == Phase::over) return;
    if (const auto started = room.start(); !started) {
        log::error("room-failed", {{"reason", started.error()}});
        room.plan_restart();
    }
    start_deadline_.set(start_limit);
}

// The receiver has closed the channel; its sender is replaced, whoever was at fault.
void Generation::room_malformed(links::Room sender) {
    log::error("room-malformed", {{"room", links::room_name(sender)}, {"generation", number()}});
    for (Resident& room : rooms_) {
        if (room.row().room == sender) room.kill(SIGKILL);
    }
}

void Generation::fail(Report why) {
    const auto call = events_.on_failed;  // which may replace the events
    if (call) call(why);
}

void Generation::tell_of_qmgr(const Resident& room, Events::Qmgr news) {
    if (room.row().room != links::Room::qmgr || phase_ < Phase::going) return;
    if (events_.on_qmgr) events_.on_qmgr(news);
}

// --- facts --------------------------------------------------------------------------------------

std::vector<links::RoomStatus> Generation::status() const {
    std::vector<links::RoomStatus> result;
    for (const Resident& room : rooms_) {
        // What has ended while draining is not missing.
        const bool gone = phase_ >= Phase::draining && room.state() == Resident::State::down;
        if (!gone && !room.absent()) result.push_back(room.status());
    }
    return result;
}

std::vector<std::string> Generation::changes_from(const Generation& before) const {
    std::vector<std::string> changes = statement_changes(before.statements_, statements_);
    const auto aliases_then = links::read_sealed(before.aliases_.get());
    const auto aliases_now = links::read_sealed(aliases_.get());
    if (aliases_then && aliases_now && *aliases_then != *aliases_now) {
        changes.emplace_back("the aliases have changed");
    }
    for (const std::string& host : certificates_.changes_from(before.certificates_)) {
        changes.push_back("the certificate of " + host + " has changed");
    }
    return changes;
}

bool Generation::flushed() {
    return std::ranges::all_of(rooms_, [](Resident& room) {
        room.flush();
        return room.unsent() == 0;
    });
}

links::GenerationState Generation::leave() const {
    links::GenerationState state;
    state.number = number();
    state.phase = static_cast<std::uint8_t>(phase_);
    state.config = config_;
    state.statements = statements_;
    state.patience_seconds = patience_seconds_;
    state.drain_limit_seconds = drain_limit_seconds_;
    state.config_loaded = config_loaded_.time_since_epoch().count();
    state.image = outfit_.image->leave();
    state.mda_snapshot = duplicate(kit_->snapshot.get());
    state.aliases = duplicate(aliases_.get());
    state.relay_files = relay_files_;
    for (const Resident& room : rooms_) {
        if (!room.absent()) state.rooms.push_back(room.leave());
    }
    state.certificates = certificates_.leave();
    return state;
}

}  // namespace holdfast
