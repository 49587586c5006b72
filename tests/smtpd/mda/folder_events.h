// What happens to the files of some folders, as the kernel tells it: by this a test strikes in the
// middle of another process's work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/base/unique_fd.h"

namespace holdfast::mda {

class FolderEvents {
  public:
    // `kinds` as in inotify(7). Asserts: to be made by the test itself, children inherit it.
    FolderEvents(const std::vector<std::string>& folders, std::uint32_t kinds);

    // Waits until `count` more have come; false where `end`, a descriptor, became readable first,
    // or nothing happened for half a minute. What happens to a folder itself does not count.
    bool await(unsigned count, int end = -1);

    // Leaves out what has happened so far.
    void forget();

  private:
    void take_waiting();

    UniqueFd fd_;
    unsigned waiting_ = 0;
};

// A descriptor that becomes readable when the process ends.
UniqueFd end_of(pid_t process);

}  // namespace holdfast::mda
