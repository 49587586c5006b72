// Tells when files appear in a folder. What tells is specific to the system:
// folder_watch_linux.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast::qmgr {

class FolderWatch {
  public:
    // `on_news`: something may be new in it; perhaps once for many files.
    static Result<std::unique_ptr<FolderWatch>> open(Loop& loop, const std::string& folder,
                                                     std::function<void()> on_news);

  private:
    FolderWatch(Loop& loop, UniqueFd fd, std::function<void()> on_news);

    UniqueFd fd_;
    FdWatch watch_;
};

}  // namespace holdfast::qmgr
