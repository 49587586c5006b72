#include "smtpd/confine/landlock_linux.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smtpd/base/unique_fd.h"

namespace holdfast {

namespace {

// The kernel's interface, spelled out: the headers that we build with may be older than the
// kernel that we run on (landlock(7)).
struct Ruleset {
    std::uint64_t handled_files = 0;
    std::uint64_t handled_network = 0;  // version 4
    std::uint64_t scoped = 0;           // version 6
};

struct [[gnu::packed]] PathRule {
    std::uint64_t allowed = 0;
    std::int32_t parent = -1;
};

constexpr unsigned create_ruleset_version = 1;
constexpr int rule_path_beneath = 1;

constexpr std::uint64_t file_execute = 1 << 0;
constexpr std::uint64_t file_write = 1 << 1;
constexpr std::uint64_t file_read = 1 << 2;
constexpr std::uint64_t file_truncate = 1 << 14;
constexpr std::uint64_t directory_read = 1 << 3;

constexpr std::uint64_t reading = file_read | directory_read;
constexpr std::uint64_t on_files = file_execute | file_write | file_read | file_truncate;

constexpr std::uint64_t network_bind_and_connect = 3;
constexpr std::uint64_t scope_abstract_sockets_and_signals = 3;

// Everything that version `abi` can restrict: 13 rights, then one more with versions 2, 3, 5.
std::uint64_t known_file_rights(long abi) {
    constexpr std::array<int, 6> counts{0, 13, 14, 15, 15, 16};
    const auto at = std::min<std::size_t>(static_cast<std::size_t>(abi), counts.size() - 1);
    return (std::uint64_t{1} << counts.at(at)) - 1;
}

Ruleset everything_known(long abi, Network network) {
    Ruleset rules;
    rules.handled_files = known_file_rights(abi);
    if (abi >= 4 && network == Network::closed) rules.handled_network = network_bind_and_connect;
    if (abi >= 6) rules.scoped = scope_abstract_sockets_and_signals;
    return rules;
}

// An older kernel wants the older, shorter struct.
std::size_t ruleset_size(long abi) {
    if (abi < 4) return sizeof(std::uint64_t);
    return abi < 6 ? 2 * sizeof(std::uint64_t) : sizeof(Ruleset);
}

Status allow_tree(int ruleset, const std::string& tree, std::uint64_t rights) {
    const UniqueFd fd(open(tree.c_str(), O_PATH | O_CLOEXEC));
    if (!fd) return errno_error("confine to", tree);
    struct stat facts{};
    if (fstat(fd.get(), &facts) != 0) return errno_error("confine to", tree);
    if (!S_ISDIR(facts.st_mode)) rights &= on_files;
    const PathRule rule{rights, fd.get()};
    if (syscall(SYS_landlock_add_rule, ruleset, rule_path_beneath, &rule, 0) != 0) {
        return errno_error("confine to", tree);
    }
    return {};
}

Status allow_trees(int ruleset, std::span<const std::string> trees, std::uint64_t rights) {
    for (const std::string& tree : trees) {
        if (const auto allowed = allow_tree(ruleset, tree, rights); !allowed) {
            return allowed.error().pass();
        }
    }
    return {};
}

}  // namespace

Status restrict_files(std::span<const std::string> readable, std::span<const std::string> writable,
                      Network network) {
    const long abi =
        syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, create_ruleset_version);
    if (abi < 1) return errno_error("ask the kernel for Landlock");
    const Ruleset rules = everything_known(abi, network);
    const UniqueFd ruleset(
        static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, ruleset_size(abi), 0U)));
    if (!ruleset) return errno_error("make a Landlock ruleset");
    if (const auto done = allow_trees(ruleset.get(), readable, reading); !done) return done;
    const std::uint64_t all_but_execution = rules.handled_files & ~file_execute;
    if (const auto done = allow_trees(ruleset.get(), writable, all_but_execution); !done) {
        return done;
    }
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0U) != 0) {
        return errno_error("apply the Landlock ruleset");
    }
    return {};
}

}  // namespace holdfast
