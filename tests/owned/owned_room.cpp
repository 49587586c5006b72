#include "tests/owned/owned_room.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include <sys/random.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/paths.h"
#include "smtpd/confine/entry.h"
#include "tests/owned/acts.h"

namespace holdfast::owned {

namespace {

constexpr int packets_per_attack = 64;

std::string random_packet() {
    std::array<char, 512> noise{};
    if (getrandom(noise.data(), noise.size(), 0) < 0) std::abort();
    const auto length = static_cast<unsigned char>(noise[0]) + 1U;
    if ((noise[1] & 1) == 0) return {noise.data(), length};
    std::string packet;
    append_frame(packet, {noise.data(), length});
    return packet;
}

// Noise, and frames that begin like real ones, until the peer hangs up or has had enough.
void attack(int channel) {
    for (int i = 0; i < packets_per_attack; ++i) {
        if (const auto sent = send_packet(channel, random_packet()); !sent) return;
    }
}

}  // namespace

void try_everything() {
    Victim victim;
    victim.pid = getppid();
    victim.spool = paths::spool;
    victim.key = "/etc/holdfast/tls/privkey.pem";  // the case has put it there
    for (const ActResult& result : perform_acts(victim)) {
        log::info("act", {{"name", result.act},
                          {"worked", result.worked ? "yes" : "no"},
                          {"errno", result.error}});
    }
}

std::vector<UniqueFd> meet_everybody(int parent, const std::function<bool(Packet&)>& take) {
    std::vector<UniqueFd> channels;
    while (true) {
        auto packet = receive_packet(parent);
        if (!packet || packet->bytes.empty()) _exit(0);
        if (take(*packet)) continue;
        if (packet->fds.empty()) return channels;  // Go: the introductions are over
        std::ranges::move(packet->fds, std::back_inserter(channels));
    }
}

void attack_everybody(std::span<const UniqueFd> channels, int parent) {
    for (const UniqueFd& channel : channels) attack(channel.get());
    log::info("attacked", {{"channels", channels.size()}});
    attack(parent);
    while (true) pause();
}

}  // namespace holdfast::owned
