// What the kernel tells this user about processes. Specific to Linux (proc(5)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace holdfast::mtactl {

enum class MemoryKind : std::uint8_t {
    pss,  // pages that are shared with others count in part: what the process adds. Root only
    rss,  // every page that is in memory. Anyone
};

// In bytes; nothing where the process has gone or the kernel does not say.
std::optional<std::uint64_t> memory_of(pid_t pid, MemoryKind kind);

// The effective one; nothing as above.
std::optional<std::uint32_t> uid_of(pid_t pid);

// The parts that know the files: smaps_rollup, statm in pages, and status.
std::optional<std::uint64_t> parse_pss(std::string_view smaps_rollup);
std::optional<std::uint64_t> parse_resident_pages(std::string_view statm);
std::optional<std::uint32_t> parse_effective_uid(std::string_view status);

}  // namespace holdfast::mtactl
