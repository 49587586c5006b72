// Tells of files that appear in a folder under their final name. What tells is specific to the
// system: folder_watch_linux.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast::qmgr {

class FolderWatch {
  public:
    struct News {
        std::vector<std::string> names;
        bool incomplete = false;  // events were lost: look at the whole folder
    };

    static Result<std::unique_ptr<FolderWatch>> open(Loop& loop, const std::string& folder,
                                                     std::function<void(News)> on_news);

  private:
    FolderWatch(Loop& loop, UniqueFd fd, std::function<void(News)> on_news);
    void read_events();

    UniqueFd fd_;
    std::function<void(News)> on_news_;
    FdWatch watch_;
};

// The kernel's events, as inotify(7) lays them out. Total: bytes that make no sense are lost
// events.
FolderWatch::News parse_events(std::string_view bytes);

}  // namespace holdfast::qmgr
