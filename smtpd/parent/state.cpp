#include "smtpd/parent/state.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/crc32c.h"
#include "smtpd/links/snapshot_file.h"

namespace holdfast {

namespace {

constexpr std::uint64_t magic = 0x45544154532d4648;  // "HF-STATE", little endian

struct FdFacts {
    std::int32_t number = -1;
    std::uint32_t type = 0;  // S_IFMT
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t cookie = 0;  // of a socket (SO_COOKIE)
    bool listening = false;

    bool operator==(const FdFacts&) const = default;
};

struct Head {
    std::uint64_t magic = 0;
    std::uint32_t version = 0;
    std::uint32_t checksum = 0;  // CRC-32C of `payload`
    std::vector<FdFacts> descriptors;
    std::string payload;
};

Result<FdFacts> look_at(int fd) {
    struct stat facts{};
    if (fstat(fd, &facts) != 0) return errno_error("look at descriptor", std::to_string(fd));
    FdFacts result{fd, facts.st_mode & S_IFMT, facts.st_dev, facts.st_ino, 0, false};
    if (!S_ISSOCK(facts.st_mode)) return result;
    int listening = 0;
    socklen_t length = sizeof result.cookie;
    socklen_t flag_length = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &result.cookie, &length) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &flag_length) != 0) {
        return errno_error("look at socket", std::to_string(fd));
    }
    result.listening = listening != 0;
    return result;
}

Result<Head> read_head(int memfd) {
    const auto bytes = links::read_sealed(memfd);
    if (!bytes) return bytes.error().in("read the state");
    auto head = links::decode_struct<Head>(*bytes, links::Tail::skip);
    if (!head || head->magic != magic) return plain_error("this is no state of smtpd");
    if (head->version != state_version) {
        return plain_error("the state that is handed over has version " +
                           std::to_string(head->version) + ", and this smtpd knows version " +
                           std::to_string(state_version) +
                           ": it cannot take over from the smtpd that runs (stop that one, and "
                           "start this)");
    }
    if (crc32c(head->payload) != head->checksum) return plain_error("the state is damaged");
    return std::move(*head);
}

// Only observes: nothing is changed where any of them is not what it was.
Status verify(const std::vector<FdFacts>& descriptors) {
    for (const FdFacts& expected : descriptors) {
        const auto seen = look_at(expected.number);
        if (!seen) return seen.error().in("verify the state");
        if (*seen != expected) {
            return plain_error("verify the state: descriptor " + std::to_string(expected.number) +
                               " is not what it was");
        }
    }
    return {};
}

}  // namespace

Result<SealedState> seal_state(const links::ParentState& state) {
    links::Encoder payload;
    payload.put(state);
    Head head{magic, state_version, crc32c(payload.bytes), {}, std::move(payload.bytes)};
    for (const int fd : payload.fds) {
        const auto facts = look_at(fd);
        if (!facts) return facts.error().pass();
        head.descriptors.push_back(*facts);
    }
    auto memfd = links::seal_struct("state", head);
    if (!memfd) return memfd.error().in("seal the state");
    return SealedState{std::move(*memfd), std::move(payload.fds)};
}

Result<links::ParentState> open_state(int memfd) {
    const auto head = read_head(memfd);
    if (!head) return head.error().pass();
    if (const auto verified = verify(head->descriptors); !verified) {
        return verified.error().pass();
    }
    // Once without descriptors: nothing is taken where it turns out to be malformed half-way.
    std::vector<UniqueFd> none(head->descriptors.size());
    if (!links::decode_struct<links::ParentState>(head->payload, links::Tail::skip, none)) {
        return plain_error("the state is malformed");
    }
    std::vector<UniqueFd> fds;
    for (const FdFacts& facts : head->descriptors) {
        fds.emplace_back(facts.number);
        fcntl(facts.number, F_SETFD, FD_CLOEXEC);
    }
    auto state = links::decode_struct<links::ParentState>(head->payload, links::Tail::skip, fds);
    // A later program's, which this one does not know: strays, unless that one is to go on.
    for (UniqueFd& fd : fds) static_cast<void>(fd.release());
    return std::move(*state);
}

Status leave_open(int memfd) {
    const auto head = read_head(memfd);
    if (!head) return head.error().pass();
    for (const FdFacts& facts : head->descriptors) fcntl(facts.number, F_SETFD, 0);
    return {};
}

std::vector<Stray> stray_descriptors(int memfd, const links::ParentState& state) {
    links::Encoder known;
    known.put(state);
    std::vector<Stray> strays;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const std::string name = entry.path().filename();
        int number = -1;
        std::from_chars(name.data(), name.data() + name.size(), number);
        const bool is_known = number <= STDERR_FILENO || number == memfd ||
                              std::ranges::find(known.fds, number) != known.fds.end();
        if (is_known) continue;
        std::error_code ignored;
        const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
        // The listing's own is there while we list.
        if (!target.starts_with("/proc/")) strays.push_back({number, target});
    }
    return strays;
}

}  // namespace holdfast
