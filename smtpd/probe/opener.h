// Opens the admin's files for a probe that has given up its privileges: a child that keeps them,
// parses nothing, and hands over descriptors of regular files, read-only, until the probe ends.
#pragma once

#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::probe {

class Opener {
  public:
    // Forks. To be called before anything is read, and while single-threaded.
    static Result<Opener> start();

    // Fails with the errno of open(), as the opener saw it; EINVAL: not a regular file.
    Result<UniqueFd> open(const std::string& path) const;

  private:
    explicit Opener(UniqueFd socket) : socket_(std::move(socket)) {}

    UniqueFd socket_;
};

}  // namespace holdfast::probe
