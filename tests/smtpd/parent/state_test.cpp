#include "smtpd/parent/state.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "smtpd/base/crc32c.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/parent/outfit.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

links::ParentState small_state() {
    links::ParentState state;
    state.version = "1.0";
    state.last_generation = 7;
    state.lock = duplicate(STDERR_FILENO);
    auto channel = make_channel();
    REQUIRE(channel);
    state.control = {std::move(channel->first), 1, 2};
    links::GenerationState generation;
    generation.number = 7;
    generation.in_hand.resize(2);
    generation.rooms.resize(1);
    generation.rooms[0].room = "qmgr";
    generation.rooms[0].process.pid = 42;
    generation.rooms[0].process.channel = std::move(channel->second);
    state.generations.push_back(std::move(generation));
    state.order.clients.push_back(duplicate(STDERR_FILENO));
    return state;
}

// As an exec leaves it: the descriptors are open under their numbers, and nobody's.
void abandon(links::ParentState state) {
    static_cast<void>(state.lock.release());
    static_cast<void>(state.control.socket.release());
    static_cast<void>(state.generations[0].rooms[0].process.channel.release());
    static_cast<void>(state.order.clients[0].release());
}

// The state with other bytes at its front.
UniqueFd changed(const UniqueFd& memfd, std::size_t offset, char byte) {
    auto bytes = links::read_sealed(memfd.get());
    REQUIRE(bytes);
    bytes->at(offset) = byte;
    auto result = links::seal_bytes("state", *bytes);
    REQUIRE(result);
    return std::move(*result);
}

constexpr std::size_t version_offset = 4 + 8;

}  // namespace

TEST_CASE("a state is read as it was sealed, with its descriptors") {
    auto state = small_state();
    const int channel = state.generations[0].rooms[0].process.channel.get();
    const auto sealed = seal_state(state);
    REQUIRE(sealed);
    CHECK(sealed->descriptors.size() == 4);
    for (const int fd : sealed->descriptors) fcntl(fd, F_SETFD, 0);
    abandon(std::move(state));
    const auto read = open_state(sealed->memfd.get());
    REQUIRE(read);
    CHECK(read->last_generation == 7);
    CHECK(read->generations[0].in_hand.size() == 2);
    CHECK(read->generations[0].rooms[0].process.pid == 42);
    CHECK(read->generations[0].rooms[0].process.channel.get() == channel);
    CHECK((fcntl(channel, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a descriptor that is not what it was is noticed, and nothing is taken") {
    auto state = small_state();
    const auto sealed = seal_state(state);
    REQUIRE(sealed);
    auto other = make_channel();
    REQUIRE(other);
    dup2(other->first.get(), state.control.socket.get());
    const auto read = open_state(sealed->memfd.get());
    REQUIRE_FALSE(read);
    CHECK(read.error().text() == "verify the state: descriptor " +
                                     std::to_string(state.control.socket.get()) +
                                     " is not what it was");
    CHECK(fcntl(state.lock.get(), F_GETFD) >= 0);
}

TEST_CASE("F12 a state from the future, a damaged one and none at all are told apart") {
    auto state = small_state();
    const auto sealed = seal_state(state);
    REQUIRE(sealed);
    const auto bytes = links::read_sealed(sealed->memfd.get());
    REQUIRE(bytes);
    const auto future = open_state(changed(sealed->memfd, version_offset, 9).get());
    REQUIRE_FALSE(future);
    CHECK(future.error().text().starts_with("the state that is handed over has version 9, and "));
    const auto damaged = open_state(changed(sealed->memfd, bytes->size() - 1, 'x').get());
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().text() == "the state is damaged");
    const auto none = open_state(changed(sealed->memfd, 4, 'x').get());
    REQUIRE_FALSE(none);
    CHECK(none.error().text() == "this is no state of smtpd");
}

TEST_CASE("descriptors that nobody knows are named") {
    auto state = small_state();
    const UniqueFd stray(memfd_create("stray", MFD_CLOEXEC));
    const auto found = stray_descriptors(links::parent_fd, state);
    const auto it = std::ranges::find(found, stray.get(), &Stray::number);
    REQUIRE(it != found.end());
    CHECK(it->target.starts_with("/memfd:stray"));
}
