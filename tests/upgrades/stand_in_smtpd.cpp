// A parent of another version, as a restart meets it: in the rehearsal or after the exec it does
// what its act says, and passes on to the real one (smtpd.real beside it), perhaps with a state
// that a later or an earlier smtpd would have written.
#include <charconv>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/crc32c.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/parent/succession.h"
#include "tests/upgrades/act.h"

namespace holdfast::upgrades {
namespace {

constexpr const char* real_smtpd = "/usr/sbin/smtpd.real";

[[noreturn]] void give_up(const Error& error) {
    dprintf(STDERR_FILENO, "stand-in: %s\n", error.text().c_str());
    _exit(EX_SOFTWARE);
}

// Places in the sealed file: a length of 4 bytes, a magic of 8, the version, the checksum.
constexpr std::size_t version_at = 12;
constexpr std::size_t checksum_at = 16;

void put(std::string& bytes, std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<char>(number >> (8 * i));
}

std::uint32_t get(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i > 0; --i) {
        number = number << 8 | static_cast<unsigned char>(bytes.at(at + i - 1));
    }
    return number;
}

std::string read_state() {
    auto bytes = links::read_sealed(links::parent_fd);
    if (!bytes) give_up(bytes.error());
    return std::move(*bytes);
}

void replace_state(std::string_view bytes) {
    const auto memfd = links::seal_bytes("state", bytes);
    if (!memfd) give_up(memfd.error());
    dup2(memfd->get(), links::parent_fd);
}

void write_state_of_the_future() {
    std::string bytes = read_state();
    put(bytes, version_at, state_version + 1);
    replace_state(bytes);
}

// The payload is the last member of the head, and a struct: lengths stand in front of both, and
// one in front of all.
void replace_payload(std::string& bytes, std::size_t payload_at, std::string payload) {
    put(payload, 0, static_cast<std::uint32_t>(payload.size() - 4));
    bytes.resize(payload_at);
    bytes += payload;
    put(bytes, payload_at - 4, static_cast<std::uint32_t>(payload.size()));
    put(bytes, checksum_at, crc32c(payload));
    put(bytes, 0, static_cast<std::uint32_t>(bytes.size() - 4));
    replace_state(bytes);
}

// Behind version and checksum comes the list of descriptors: each is a struct of one size.
std::size_t payload_place(std::string_view bytes) {
    std::size_t at = checksum_at + 4;
    std::uint32_t count = get(bytes, at);
    for (at += 4; count > 0; --count) at += 4 + get(bytes, at);
    return at + 4;
}

// Members that this version does not know, at the end of all.
void write_state_of_a_later_minor() {
    std::string bytes = read_state();
    const std::size_t at = payload_place(bytes);
    replace_payload(bytes, at, bytes.substr(at) + "what a later smtpd has beside");
}

// All that an earlier smtpd knew of.
struct EarlierState {
    std::string version;
    std::string config_option;
    bool foreground = false;
    std::int64_t started = 0;
    std::uint32_t last_generation = 0;
    log::Form log_form = log::Form::stream;
    UniqueFd log;
    UniqueFd lock;
    links::ControlSocketState control;
    std::vector<links::ListenerState> listeners;
    std::vector<links::GenerationState> generations;
    links::AgentsState agents;
    std::vector<links::ProgramState> successor;
    links::OrderState order;
};

// No such room as `users`, and no members behind the order. The descriptors stay ours until exec.
void write_state_of_an_earlier_minor() {
    static auto state = open_state(links::parent_fd);
    if (!state) give_up(state.error());
    for (links::GenerationState& generation : state->generations) {
        std::erase_if(generation.rooms,
                      [](const links::RoomState& room) { return room.room == "users"; });
    }
    const auto sealed = seal_state(*state);
    if (!sealed) give_up(sealed.error());
    dup2(sealed->memfd.get(), links::parent_fd);
    for (const int fd : sealed->descriptors) fcntl(fd, F_SETFD, 0);
    static const EarlierState earlier{state->version,
                                      state->config_option,
                                      state->foreground,
                                      state->started,
                                      state->last_generation,
                                      state->log_form,
                                      std::move(state->log),
                                      std::move(state->lock),
                                      std::move(state->control),
                                      std::move(state->listeners),
                                      std::move(state->generations),
                                      std::move(state->agents),
                                      std::move(state->successor),
                                      std::move(state->order)};
    links::Encoder payload;
    payload.put(earlier);
    std::string bytes = read_state();
    replace_payload(bytes, payload_place(bytes), std::move(payload.bytes));
}

Resumption resumption_of(char** argv) {
    Resumption result;
    const std::string_view fallback = argv[3];
    std::from_chars(fallback.data(), fallback.data() + fallback.size(), result.fallback);
    return result;
}

void run(int argc, char** argv) {
    const std::string_view task = argc > 1 ? argv[1] : "";
    const bool resumes = task == "--resume";
    if (resumes || task == "--rehearse") {
        const std::string act = act_of(resumes ? "resume" : "rehearse");
        misbehave(act);
        if (act == "refuse" && resumes) {
            give_up(fall_back(resumption_of(argv), "rolled back: the stand-in refuses the state"));
        }
        if (act == "future") write_state_of_the_future();
        if (act == "later") write_state_of_a_later_minor();
        if (act == "earlier") write_state_of_an_earlier_minor();
    }
    pass_on_to(real_smtpd, argv);
}

}  // namespace
}  // namespace holdfast::upgrades

int main(int argc, char** argv) {
    holdfast::upgrades::run(argc, argv);
}
