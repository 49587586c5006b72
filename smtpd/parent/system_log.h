// The way to the system's log, /dev/log: opened by the parent, which alone can reach it, and opened
// again for everybody whenever syslogd has been away.
#pragma once

#include <functional>
#include <string>

#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

inline constexpr const char* system_log_path = "/dev/log";

class SystemLog {
  public:
    // How often it is tried while nobody listens.
    static constexpr Duration interval = std::chrono::seconds(1);

    // `sink` is connected to the log by connect(), or to nobody yet. `path` is
    // system_log_path but for tests; `on_open` is called whenever somebody listens again.
    SystemLog(Loop& loop, int sink, std::string path, std::function<void()> on_open);

    // A datagram socket that is connected to `path`; to nobody where nobody listens there: what is
    // written to it is counted as dropped, and lost() brings it to life.
    static UniqueFd connect(const std::string& path);

    // Whoever writes finds nobody listening: tried at once where the last time is some time ago,
    // and from then on until somebody does. Keeps the number of the descriptor.
    void lost();

  private:
    void try_again();

    Loop& loop_;
    int sink_;
    std::string path_;
    std::function<void()> on_open_;
    Timer timer_;
    MonoTime tried_{};
};

}  // namespace holdfast
