// Finds what an earlier attempt left of a delivery in a mailbox file, so that a repeated one never
// makes a second copy. Reads only; the caller holds the locks.
//
// A message is known by its first bytes as we write them, from behind the "From " line up to its
// id, which stands in the first header line that Holdfast gave it. They count at the start of a
// message only: a sender can't fake that, as lines of his that begin with "From " are quoted.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>

#include "smtpd/base/error.h"
#include "smtpd/mda/content.h"

namespace holdfast::mda {

// What the file holds of a batch. A copy that was torn and has other messages behind it counts for
// nothing: it stays, and the message is written anew.
struct EarlierCopies {
    std::set<const Parcel*> whole;         // perhaps changed by a mail program ("Status: RO")
    std::optional<std::uint64_t> torn_at;  // from here on the file is the first part of one of them
};

// Looks for those of `batch` that are repeated in the first `size` bytes of `fd`, for the last copy
// where there are several. Reads from the end and stops when all are found.
Result<EarlierCopies> find_copies(int fd, std::uint64_t size, std::span<const Parcel> batch);

}  // namespace holdfast::mda
