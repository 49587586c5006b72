// One message on its way into a mailbox. Its bytes, as the mailbox will hold them, are in memory
// while they are few, then in a file that the mailbox chose: a large message costs a small agent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/qmgr_mda.h"

namespace holdfast::mda {

class Content {
  public:
    // More than this in memory: time to spill().
    static constexpr std::size_t memory_limit = 256 * 1024;

    explicit Content(std::string head) : memory_(std::move(head)), size_(memory_.size()) {}

    // Fails with the errno of write() where there is a file.
    Status append(std::string_view bytes);

    bool wants_file() const { return !file_ && memory_.size() > memory_limit; }

    // Moves what is in memory to `file`, which is empty and takes all that follows.
    Status spill(UniqueFd file);

    std::uint64_t size() const { return size_; }

    // All bytes, or nothing where they are in a file.
    std::string_view memory() const { return memory_; }
    // -1 where the bytes are in memory.
    int file() const { return file_.get(); }

    // Up to 64 KiB from `offset`, which is not behind size(): none at the end only.
    Result<std::string> read(std::uint64_t offset) const;

  private:
    std::string memory_;
    UniqueFd file_;
    std::uint64_t size_ = 0;
};

struct Parcel {
    links::Deliver order;
    Content content;
};

}  // namespace holdfast::mda
