#include "smtpd/mda/agent.h"

#include <algorithm>

#include <fcntl.h>
#include <poll.h>
#include <sysexits.h>

#include "smtpd/base/packet.h"
#include "smtpd/base/panic.h"
#include "smtpd/links/transfer.h"
#include "smtpd/mda/outcome.h"

namespace holdfast::mda {

namespace {

// A batch shares locks and syncs, and waits for nothing but what is on the channel already.
constexpr std::size_t max_batch = 64;
constexpr std::size_t max_batch_memory = 512 * 1024;
// Orders without their bytes. A message needs none before qmgr can send it.
constexpr std::size_t max_incoming = 1000;

// All waiting is done in this one place each way.
void make_blocking(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) panic("agent: fcntl failed");
}

}  // namespace

Agent::Agent(UniqueFd qmgr, Mailbox mailbox)
    : qmgr_(std::move(qmgr)), mailbox_(std::move(mailbox)), buffer_(max_packet, '\0') {
    make_blocking(qmgr_.get());
}

int Agent::run() {
    Next next = Next::go_on;
    bool sure = true;
    while (sure && next == Next::go_on) {
        const bool full = batch_.size() >= max_batch || batch_memory_ >= max_batch_memory;
        if (full || !more_is_here()) {
            sure = store_batch();
            give_credit();
            flush();
        }
        // Its next order is the next agent's, who makes the Maildir anew.
        if (sure) next = stale_ && incoming_.empty() ? Next::end : receive();
    }
    sure = sure && store_batch();
    flush();
    for (Incoming& message : incoming_) message.discard();
    if (!sure) return EX_IOERR;
    return next == Next::end ? 0 : EX_PROTOCOL;
}

bool Agent::more_is_here() const {
    pollfd wait{qmgr_.get(), POLLIN, 0};
    return poll(&wait, 1, 0) > 0;
}

Agent::Next Agent::receive() {
    auto packet = receive_packet_into(qmgr_.get(), buffer_);
    if (!packet) return packet.error().code() == EMSGSIZE ? Next::malformed : Next::end;
    if (packet->bytes.empty()) return Next::end;
    return handle(packet->bytes, packet->fds) ? Next::go_on : Next::malformed;
}

bool Agent::handle(std::string_view packet, std::vector<UniqueFd>& fds) {
    while (!packet.empty()) {
        const auto frame = take_frame(packet);
        if (!frame) return false;
        links::Decoder decoder(*frame, fds, links::Tail::strict);
        auto message = decoder.take_frame<links::QmgrToMda>();
        if (!message) return false;
        if (!std::visit([this](auto& value) { return on(std::move(value)); }, *message)) {
            return false;
        }
    }
    // Half of the window comes back before all of it is used: qmgr need not pause.
    if (credit_ >= links::window / 2) {
        give_credit();
        flush();
    }
    return true;
}

bool Agent::on(links::Deliver&& order) {
    if (incoming_.size() >= max_incoming) return false;
    incoming_.emplace_back(mailbox_, order);
    if (incoming_.size() == 1) finish_front();
    return true;
}

bool Agent::on(links::Bytes&& bytes) {
    if (incoming_.empty() || incoming_.front().job() != bytes.job) return false;
    credit_ += bytes.bytes.size();
    if (!incoming_.front().feed(bytes.bytes)) return false;
    finish_front();
    return true;
}

// Bytes come one job after the other: only the first can be complete, and then those of no bytes.
void Agent::finish_front() {
    while (!incoming_.empty() && incoming_.front().complete()) {
        Incoming& message = incoming_.front();
        if (message.refusal()) {
            send(links::Report{message.job(), *message.refusal()});
        } else {
            batch_.push_back(message.take());
            batch_memory_ += batch_.back().content.memory().size();
        }
        incoming_.pop_front();
    }
}

// False where nothing can be said about what was written.
bool Agent::store_batch() {
    if (batch_.empty()) return true;
    auto outcomes = std::visit([&](const auto& to) { return to.store(batch_); }, mailbox_);
    if (outcomes.size() != batch_.size()) return false;
    const bool all_well = std::ranges::all_of(
        outcomes, [](const Outcome& one) { return one.verdict == Verdict::delivered; });
    stale_ = stale_ || (!all_well && is_gone());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        send(links::Report{batch_[i].order.job, std::move(outcomes[i])});
    }
    batch_.clear();
    batch_memory_ = 0;
    return true;
}

bool Agent::is_gone() const {
    return std::visit([](const auto& to) { return to.gone(); }, mailbox_);
}

void Agent::give_credit() {
    if (credit_ > 0) send(links::BytesTaken{std::exchange(credit_, 0)});
}

void Agent::send(const links::MdaToQmgr& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    if (outgoing_.size() + frame_header + encoder.bytes.size() > max_packet) flush();
    append_frame(outgoing_, encoder.bytes);
}

// Where qmgr has gone, nobody needs the report: its successor repeats the order.
void Agent::flush() {
    if (outgoing_.empty()) return;
    static_cast<void>(send_packet(qmgr_.get(), outgoing_));
    outgoing_.clear();
}

}  // namespace holdfast::mda
