#include "smtpd/parent/resident.h"

#include <csignal>

#include "smtpd/parent/house.h"

namespace holdfast {

namespace {

// Without its channel a room is at its end, or out of hand.
constexpr Duration end_limit = std::chrono::seconds(5);

}  // namespace

Resident::Resident(Loop& loop, House& house, const RoomRow& row)
    : loop_(loop),
      house_(house),
      row_(row),
      restart_timer_(loop, [this] { house_.start_again(*this); }),
      end_timer_(loop, [this] { kill(SIGKILL); }) {}

void Resident::configure(const Outfit& outfit, links::Identity identity, UniqueFd snapshot) {
    outfit_ = outfit;
    identity_ = std::move(identity);
    snapshot_ = std::move(snapshot);
}

Status Resident::start() {
    auto channel = make_channel();
    if (!channel) return channel.error().pass();
    const std::string name(links::room_name(row_.room));
    auto process = Process::start(
        loop_, {outfit_.libexec + "/" + name, {"smtpd: " + name}, channel->second.get()},
        [this](Ending ending) { on_process_end(ending); });
    if (!process) return process.error().pass();
    process_ = std::move(*process);
    started_ = loop_.now();
    state_ = State::starting;
    row_.open(channel_, loop_, std::move(channel->first), *this);

    links::Start first = outfit_.first_message(snapshot_);
    first.uid = identity_.uid;
    first.gid = identity_.gid;
    if (row_.root == RootFolder::empty) first.root = outfit_.empty;
    if (row_.root == RootFolder::spool) first.root = outfit_.spool;
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

void Resident::serve() {
    state_ = State::serving;
    send(links::Go{});
}

void Resident::drain() {
    if (state_ == State::down || state_ == State::draining) return;
    state_ = State::draining;
    send(links::Drain{});
}

void Resident::kill(int signal) {
    if (process_) process_->kill(signal);
}

links::RoomStatus Resident::status() const {
    links::RoomStatus result;
    result.room = row_.room;
    result.uid = identity_.uid;
    result.generation = outfit_.generation;
    result.restarts = budget_.restarts();
    if (process_) {
        result.pid = process_->pid();
        result.uptime_seconds = whole_seconds(loop_.now() - started_);
    }
    return result;
}

void Resident::on(links::Ready&&) {
    if (state_ != State::starting) return;
    state_ = State::ready;
    house_.room_ready(*this);
}

void Resident::on(links::Malformed&& report) {
    house_.room_malformed(report.sender);
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
    state_ = State::down;
    house_.room_ended(*this, ending);
}

}  // namespace holdfast
