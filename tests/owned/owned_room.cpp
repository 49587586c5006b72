#include "tests/owned/owned_room.h"

#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <variant>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/paths.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_room.h"
#include "tests/owned/acts.h"

namespace holdfast::owned {

namespace {

void try_everything(const links::Start& start) {
    Victim victim;
    victim.pid = getppid();
    victim.spool = paths::spool;
    for (const ActResult& result : perform_acts(victim)) {
        log::info("act", {{"name", result.act},
                          {"worked", result.worked ? "yes" : "no"},
                          {"errno", result.error},
                          {"generation", start.generation}});
    }
}

void say_ready(int parent) {
    std::string packet;
    links::Encoder encoder;
    encoder.put_frame(std::variant<links::Ready>());
    append_frame(packet, encoder.bytes);
    if (const auto sent = send_packet(parent, packet); !sent) exit_with(sent.error());
}

// Anything from noise to something that begins like a real frame.
std::string random_packet() {
    std::array<char, 512> noise{};
    if (getrandom(noise.data(), noise.size(), 0) < 0) std::abort();
    const auto length = static_cast<unsigned char>(noise[0]) + 1U;
    std::string packet;
    if ((noise[1] & 1) == 0) return std::string(noise.data(), length);
    append_frame(packet, {noise.data(), length});
    return packet;
}

void attack(int channel) {
    for (int i = 0; i < 64; ++i) {
        if (const auto sent = send_packet(channel, random_packet()); !sent) return;
    }
    log::info("attacked", {{"channel", channel}});
}

}  // namespace

void run(links::Room room, Confine confine, Mode mode) {
    const links::Start start = receive_start(room, links::parent_fd);
    if (mode == Mode::confined) {
        if (const auto done = confine(start); !done) exit_with(done.error());
    }
    try_everything(start);
    say_ready(links::parent_fd);
    std::vector<UniqueFd> channels;
    while (true) {
        auto packet = receive_packet(links::parent_fd);
        if (!packet || packet->bytes.empty()) _exit(0);
        for (UniqueFd& fd : packet->fds) {
            attack(fd.get());
            channels.push_back(std::move(fd));
        }
    }
}

}  // namespace holdfast::owned
