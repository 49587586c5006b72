// What the parent is asked to do, one thing at a time, and who waits for the answer. An
// administrator is answered on his own socket: that needs no room, and crosses an exec.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "smtpd/links/control_client.h"
#include "smtpd/links/handover.h"
#include "smtpd/parent/report.h"

namespace holdfast {

// Whether the process at the other end of `client` may command this one: root, or whoever runs an
// unprivileged instance. The kernel is asked, not the room that passed the client on.
bool may_command(int client);

// Written without waiting; whoever has gone away misses it.
void tell(int client, const links::ControlToClient& message);
// In as many messages as they need.
void tell_certificates(int client, const std::vector<links::CertificateStatus>& certificates);

// Something to be done, and everybody who waits for it.
class Work {
  public:
    enum class Task : std::uint8_t { aliases, reload, restart, reload_certs };
    static constexpr unsigned task_limit = 4;

    explicit Work(Task task) : task_(task) {}
    explicit Work(links::OrderState state);

    Task task() const { return task_; }
    bool now() const { return now_; }  // cut short what stands in the way
    bool adds_a_generation() const { return task_ == Task::reload || task_ == Task::restart; }

    // Somebody wants it done.
    void join(links::Asker asker) { askers_.push_back(asker); }
    void join(UniqueFd client) { clients_.push_back(std::move(client)); }
    void hurry() { now_ = true; }

    const std::vector<links::Asker>& askers() const { return askers_; }
    const std::vector<UniqueFd>& clients() const { return clients_; }
    // Those that have joined since the last call: nobody is told twice what is waited for.
    std::span<const UniqueFd> take_untold() {
        return std::span(clients_).subspan(std::exchange(told_, clients_.size()));
    }

    // For a successor in this process.
    links::OrderState leave() const;

  private:
    Task task_;
    bool now_ = false;
    std::vector<UniqueFd> clients_;
    std::vector<links::Asker> askers_;
    std::size_t told_ = 0;  // of clients_
};

// What waits for the work in progress. The same is done once for all who want it: they want the
// files as they are now, or later.
class WorkQueue {
  public:
    Work& find_or_add(Work::Task task);
    void adopt(links::OrderState state) { waiting_.emplace_back(std::move(state)); }

    bool empty() const { return waiting_.empty(); }
    // The oldest, or the oldest that `may_begin` allows, where there is one.
    std::optional<Work> take(const std::function<bool(const Work&)>& may_begin);
    std::deque<Work>& all() { return waiting_; }
    std::size_t waiters() const;

  private:
    std::deque<Work> waiting_;
};

std::string_view task_name(Work::Task task);

}  // namespace holdfast
