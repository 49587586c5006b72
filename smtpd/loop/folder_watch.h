// Tells when something happens in a folder. What tells is specific to the system:
// folder_watch_linux.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class FolderWatch {
  public:
    enum class News : std::uint8_t {
        arrivals,  // a name has come
        changes,   // a name has come or gone, or the folder itself has
    };

    // `on_news` is called when there may be some; perhaps once for many. A folder that is removed
    // or moved away tells that, and nothing more.
    static Result<std::unique_ptr<FolderWatch>> open(Loop& loop, const std::string& folder,
                                                     News wanted, std::function<void()> on_news);

  private:
    FolderWatch(Loop& loop, UniqueFd fd, std::function<void()> on_news);

    UniqueFd fd_;
    FdWatch watch_;
};

}  // namespace holdfast
