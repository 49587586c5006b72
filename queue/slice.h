// A run of bytes of a file that stays open: a body, or a whole queue file to be shown.
#pragma once

#include <cstdint>
#include <string>

#include "queue/fs.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::queue {

class Slice {
  public:
    Slice(FileSystem& fs, UniqueFd fd, std::uint64_t begin, std::uint64_t length)
        : fs_(&fs), fd_(std::move(fd)), begin_(begin), length_(length) {}

    std::uint64_t length() const { return length_; }

    // Up to `size` bytes from `offset` of the slice on; fewer only at its end. A file that
    // is too short is an error of code 0. Blocks, unless bytes were kept: see keep(). Any thread,
    // one at a time.
    Result<std::string> read(std::uint64_t offset, std::size_t size) const;

    // The bytes are known already: the file is closed and never read again.
    void keep(std::string bytes);
    bool kept() const { return !fd_; }

  private:
    FileSystem* fs_;
    UniqueFd fd_;
    std::uint64_t begin_;
    std::uint64_t length_;
    std::string bytes_;
};

}  // namespace holdfast::queue
