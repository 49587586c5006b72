// How much memory processes take, as far as this user may know. Specific to Linux (proc(5)).
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

// The parts that know the files: smaps_rollup, and statm in pages.
std::optional<std::uint64_t> parse_pss(std::string_view smaps_rollup);
std::optional<std::uint64_t> parse_resident_pages(std::string_view statm);

}  // namespace holdfast::mtactl
