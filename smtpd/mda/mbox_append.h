// One append to a locked mailbox: what a dead agent left is undone, what is there already is
// found, the rest is written, and a failure leaves the file as it was before the message that
// failed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "queue/verdict.h"
#include "smtpd/mda/dot_lock.h"
#include "smtpd/mda/parcel.h"

namespace holdfast::mda {

class MboxAppend {
  public:
    // `fd` is the mailbox (O_APPEND) in `folder`; all three stay the caller's.
    MboxAppend(int fd, int folder, DotLock& lock) : fd_(fd), folder_(folder), lock_(lock) {}

    // As Mbox::store(). The contents end with a blank line.
    std::vector<Outcome> run(std::span<const Parcel> batch);

  private:
    Status prepare(std::span<const Parcel> batch);
    Status undo_dead_append();
    Status find_earlier(std::span<const Parcel> batch);
    Status settle(const Parcel& parcel, std::optional<std::uint64_t> start);
    Status append(std::span<const Parcel* const> parcels);
    Status after_failed_append(std::span<const Parcel* const> parcels, std::uint64_t first);
    Result<std::string> separator() const;
    Status sync(std::uint64_t before) const;
    Status cut(std::uint64_t size);

    int fd_;
    int folder_;
    DotLock& lock_;
    std::uint64_t inode_ = 0;
    std::uint64_t size_ = 0;
    std::set<const Parcel*> present_;  // in the file, whole
    bool unsure_ = false;              // what is in the file could not be put right
};

}  // namespace holdfast::mda
