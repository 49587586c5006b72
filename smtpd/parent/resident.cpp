#include "smtpd/parent/resident.h"

#include <csignal>
#include <utility>

#include "smtpd/base/log.h"
#include "smtpd/parent/generation.h"
#include "smtpd/parent/roster.h"

namespace holdfast {

namespace {

// Without its channel a room is at its end, or out of hand.
constexpr Duration end_limit = std::chrono::seconds(5);

}  // namespace

Resident::Resident(Loop& loop, Generation& generation, const RoomRow& row)
    : loop_(loop),
      generation_(generation),
      row_(row),
      restart_timer_(loop, [this] { generation_.start_again(*this); }),
      end_timer_(loop, [this] { kill(SIGKILL); }) {}

Status Resident::start() {
    auto channel = make_channel();
    if (!channel) return channel.error().pass();
    const std::string name(links::room_name(row_.room));
    auto process = Process::start(loop_,
                                  {.executable = role_.outfit.image->find(name),
                                   .argv = {"smtpd: " + name},
                                   .channel = channel->second.get(),
                                   .pace = Pace::gives_way},
                                  [this](Ending ending) { on_process_end(ending); });
    if (!process) return process.error().pass();
    process_ = std::move(*process);
    started_ = loop_.now();
    state_ = State::starting;
    row_.open(channel_, loop_, std::move(channel->first), *this);

    links::Start first = role_.outfit.first_message(role_.snapshot);
    first.uid = role_.identity.uid;
    first.gid = role_.identity.gid;
    if (row_.root == RootFolder::empty) first.root = role_.outfit.empty;
    if (row_.root == RootFolder::spool) first.root = role_.outfit.spool;
    // Without it the room can be left to itself all the same, and ends in its own time.
    if (auto life = enter_roster(role_.outfit.roster)) first.life = std::move(*life);
    send(std::move(first));
    flush();
    return {};
}

void Resident::flush() {
    std::visit(
        [](auto& channel) {
            if constexpr (requires { channel.flush(); }) channel.flush();
        },
        channel_);
}

std::size_t Resident::unsent() const {
    return std::visit(
        [](const auto& channel) -> std::size_t {
            if constexpr (requires { channel.backlog(); }) return channel.backlog();
            return 0;
        },
        channel_);
}

void Resident::serve() {
    state_ = State::going;
    accepts_ = row_.accepts;
    if (process_) process_->hurry();
    send(links::Go{});
}

void Resident::drain(links::Drain order) {
    if (state_ == State::down) return;
    state_ = State::draining;
    send(std::move(order));
}

void Resident::leave_alone() {
    flush();
    channel_.emplace<std::monostate>();
    process_.reset();
}

void Resident::kill(int signal) {
    if (process_) process_->kill(signal);
}

links::RoomStatus Resident::status() const {
    links::RoomStatus result;
    result.room = links::room_name(row_.room);
    result.uid = role_.identity.uid;
    result.generation = role_.outfit.generation;
    result.restarts = budget_.restarts();
    if (process_) {
        result.pid = process_->pid();
        result.uptime_seconds = whole_seconds(loop_.now() - started_);
    }
    return result;
}

links::RoomState Resident::leave() const {
    links::RoomState state;
    state.room = links::room_name(row_.room);
    state.state = static_cast<std::uint8_t>(state_);
    state.uid = role_.identity.uid;
    state.gid = role_.identity.gid;
    state.restarts = budget_.restarts();
    state.snapshot = duplicate(role_.snapshot.get());
    if (!process_) return state;
    state.process.pid = process_->pid();
    state.process.pidfd = duplicate(process_->pidfd());
    state.process.started = started_.time_since_epoch().count();
    std::visit(
        [&](const auto& channel) {
            if constexpr (requires { channel.socket(); }) {
                state.process.channel = duplicate(channel.socket());
            }
        },
        channel_);
    return state;
}

void Resident::adopt(const Outfit& outfit, links::RoomState state) {
    role_ = {outfit, {state.room, state.uid, state.gid}, std::move(state.snapshot)};
    state_ = static_cast<State>(state.state);
    accepts_ = row_.accepts && up();  // one that drains was waited for
    budget_.resume(state.restarts);
    if (state.process.pid == 0) return;
    started_ = MonoTime(Duration(state.process.started));
    process_ = Process::adopt(loop_, state.process.pid, std::move(state.process.pidfd),
                              [this](Ending ending) { on_process_end(ending); });
    if (state.process.channel) {
        row_.open(channel_, loop_, std::move(state.process.channel), *this);
    } else {
        end_timer_.set(end_limit);
    }
}

void Resident::on(links::Ready&&) {
    if (state_ != State::starting) return;
    state_ = State::ready;
    generation_.room_ready(*this);
}

void Resident::on(links::Serving&&) {
    if (state_ != State::going) return;
    state_ = State::serving;
    generation_.room_serves();
}

void Resident::on(links::NotAccepting&&) {
    if (state_ != State::draining) return;
    accepts_ = false;
    generation_.room_accepts_no_more();
}

void Resident::on(links::Malformed&& report) {
    generation_.room_malformed(report.sender);
}

void Resident::on_unknown() {
    if (std::exchange(said_unknown_, true)) return;
    log::warning("message-unknown",
                 {{"room", links::room_name(row_.room)}, {"generation", role_.outfit.generation}});
}

void Resident::on_end(ChannelEnd how) {
    channel_.emplace<std::monostate>();
    if (how == ChannelEnd::malformed) return kill(SIGKILL);
    end_timer_.set(end_limit);
}

void Resident::on_process_end(const Ending& ending) {
    end_timer_.cancel();
    channel_.emplace<std::monostate>();
    process_.reset();
    const State before = state_;
    state_ = State::down;
    generation_.room_ended(*this, before, ending);
}

}  // namespace holdfast
