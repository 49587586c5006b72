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
std::optional<std::uint64_t> uid_of(pid_t pid);

// The number at `index` (from 0) of the line "LABEL:\tNUMBER NUMBER ...", which is not the first.
std::optional<std::uint64_t> parse_number(std::string_view text, std::string_view label,
                                          std::size_t index = 0);

}  // namespace holdfast::mtactl
