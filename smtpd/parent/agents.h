// The mail delivery agents that qmgr has asked for: at most one for a user at a time, and a bounded
// number in all. qmgr names a user; everything else about an agent is decided here and by the
// agent itself, which is root until it has resolved that name.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_mda.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/process.h"

namespace holdfast {

class Agents {
  public:
    using Reply = std::function<void(std::variant<links::MdaSpawned, links::MdaRefused>)>;

    static constexpr std::size_t max_agents = 100;
    static constexpr std::size_t max_waiting = 1000;
    static constexpr Duration end_limit = std::chrono::seconds(5);
    static constexpr Duration orphan_limit = std::chrono::seconds(60);

    Agents(Loop& loop, Reply reply);
    ~Agents();

    void configure(const Outfit& outfit, UniqueFd snapshot);

    // Answers through Reply: at once, or when the user's earlier agent has ended. Two agents of
    // one user could deliver one message twice.
    void spawn(links::SpawnMda request);

    // qmgr wants nothing more of the agent of this request: what waits is dropped, what lives has
    // `end_limit` to end by itself. A request that nobody knows has ended already.
    void abandon(const links::AbandonMda& request);

    // qmgr has died: requests of the dead one are forgotten. Its agents see their channel end,
    // finish the message in hand within `orphan_limit` and go; the new qmgr's requests wait for
    // that.
    void forget_requests();

    void kill_all(int signal);
    bool empty() const { return agents_.empty(); }
    // Called whenever the last agent has ended.
    void when_empty(std::function<void()> action) { when_empty_ = std::move(action); }

    std::vector<links::RoomStatus> status() const;

  private:
    struct Agent;

    void start(const links::SpawnMda& request);
    Status start_agent(const links::SpawnMda& request);
    void ended(const std::string& user, const Ending& ending);
    void refuse(const links::SpawnMda& request, std::string_view why);

    Loop& loop_;
    Reply reply_;
    Outfit outfit_;
    UniqueFd snapshot_;
    std::map<std::string, std::unique_ptr<Agent>> agents_;  // by user
    std::deque<links::SpawnMda> waiting_;
    std::function<void()> when_empty_;
};

}  // namespace holdfast
