// Finds what an earlier attempt left of a delivery in a mailbox file, so that a repeated one never
// makes a second copy. Reads only; the caller holds the locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/mda/content.h"

namespace holdfast::mda {

// Where each of the deliveries `tags` (trace.h) begins that `fd` holds, its "From " line; the last
// one where there are several. Reads from the end in blocks and stops when all are found. A tag
// counts only in the lines that we put in front of a message: nobody can fake those, as body lines
// that begin with "From " are quoted.
Result<std::map<std::string, std::uint64_t>> find_deliveries(int fd, std::uint64_t size,
                                                             std::set<std::string> tags);

enum class Copy : std::uint8_t {
    whole,  // it is there, perhaps with header lines that a mail program added
    torn,   // its first part is the end of the file, perhaps followed by zero bytes
    other,  // something else, which is not ours to change
};

// What stands at `at`, where `content` may have been written before.
Result<Copy> judge_copy(int fd, std::uint64_t size, std::uint64_t at, const Content& content);

// Where the file ends in the beginning of `content`, of at least one byte and too short to hold
// its tag; nothing where it doesn't.
Result<std::optional<std::uint64_t>> find_torn_head(int fd, std::uint64_t size,
                                                    const Content& content);

}  // namespace holdfast::mda
