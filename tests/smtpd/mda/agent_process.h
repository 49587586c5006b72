// A real agent process, with this test for its parent and its qmgr. The user database that it
// sees is the test's own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "smtpd/base/unique_fd.h"
#include "smtpd/links/qmgr_mda.h"
#include "smtpd/links/snapshots.h"
#include "tests/smtpd/mda/mailroom.h"

namespace holdfast::mda {

// From here on this process and its children see these files as /etc/passwd and /etc/group.
void use_user_database(const Scratch& folder, const std::string& passwd, const std::string& group);

class AgentProcess {
  public:
    enum class Rights : std::uint8_t { privileged, ordinary };

    // `rights` ordinary: runs as alice from the start, as with an ordinary user's own daemon.
    AgentProcess(const std::string& user, const links::MdaSnapshot& snapshot,
                 Rights rights = Rights::privileged);
    ~AgentProcess();  // kills it
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;

    // Waits for Ready; false where the agent ended instead.
    bool wait_ready();

    // Sends an order and its message, in as few packets as they need; false when it has gone.
    // Waits for credit where the window is used up.
    bool send(links::Deliver order, std::string_view message);
    bool send_packet_bytes(const std::string& bytes);

    // The outcome of each job that was reported until `count` are there or the agent has ended.
    std::map<std::uint64_t, Outcome> outcomes(std::size_t count);

    // As qmgr does when all is done. Returns the exit status, or minus a signal.
    int close_and_wait();
    int kill_and_wait();

    // "Uid" of /proc/PID/status, for example.
    std::string status_line(const std::string& key) const;
    std::uint64_t credit() const { return taken_; }
    pid_t pid() const { return pid_; }

  private:
    bool read_packet();

    pid_t pid_ = -1;
    UniqueFd parent_;
    UniqueFd qmgr_;
    std::map<std::uint64_t, Outcome> outcomes_;
    std::uint64_t sent_ = 0;
    std::uint64_t taken_ = 0;
};

}  // namespace holdfast::mda
