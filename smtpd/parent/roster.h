// Who lives in the house, whichever parent has started them: each room keeps a shared lock on one
// file of the run directory. A stop removes the file, which calls upon the rooms that earlier
// parents have left (loop/last_call.h), and waits for those.
#pragma once

#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast {

// For a room that is started now (Start::life). Fails with the errno of open or flock.
Result<UniqueFd> enter_roster(const std::string& path);

class Roster {
  public:
    explicit Roster(std::string path) : path_(std::move(path)) {}

    // For good: who comes later is in another one.
    void close();

    // After close(): whether anybody who had been in it lives.
    bool anybody() const;

  private:
    std::string path_;
    UniqueFd closed_;
};

}  // namespace holdfast
