// The mail delivery agents that the qmgrs have asked for: at most one for a user at a time, of
// whatever generation, and a bounded number in all. A qmgr names a user;
// everything else about an agent is decided here and by the agent itself, which is root until it
// has resolved that name.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "smtpd/links/handover.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_mda.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/process.h"

namespace holdfast {

// What the agents of one generation are started with.
struct AgentKit {
    Outfit outfit;
    UniqueFd snapshot;
};

class Agents {
  public:
    using Kit = std::shared_ptr<const AgentKit>;
    // To the qmgr of that generation.
    using Reply = std::function<void(std::uint32_t generation,
                                     std::variant<links::MdaSpawned, links::MdaRefused>)>;

    static constexpr std::size_t max_agents = 100;
    static constexpr std::size_t max_waiting = 1000;
    static constexpr Duration end_limit = std::chrono::seconds(5);
    static constexpr Duration orphan_limit = std::chrono::seconds(60);

    // `lock`: the path of a file that each agent has locked (shared) for as long as it lives, so
    // that a parent which has not started it knows of it.
    Agents(Loop& loop, std::string lock, Reply reply);
    ~Agents();

    // Whether agents of a parent that was killed live still. They may be writing what a new qmgr
    // would have written once more.
    Result<bool> strangers_live() const;

    // Answers through Reply: at once, or when the user's earlier agent has ended. Two agents of
    // one user could deliver one message twice.
    void spawn(const Kit& kit, links::SpawnMda request);

    // qmgr wants nothing more of the agent of this request: what waits is dropped, what lives has
    // `end_limit` to end by itself. A request that nobody knows has ended already.
    void abandon(std::uint32_t generation, const links::AbandonMda& request);

    // qmgr has died: requests of the dead one are forgotten. Its agents see their channel end,
    // finish the message in hand within `orphan_limit` and go; the new qmgr's requests wait for
    // that.
    void forget_requests(std::uint32_t generation);

    void kill_all(std::uint32_t generation);
    bool any(std::uint32_t generation) const;
    // Called whenever the last agent of a generation has ended.
    void when_none(std::function<void(std::uint32_t generation)> action) {
        when_none_ = std::move(action);
    }

    std::vector<links::RoomStatus> status() const;

    // For a successor in this process: what lives, and what waits. `kits` finds the kit of a
    // generation.
    links::AgentsState state() const;
    void adopt(links::AgentsState state, const std::function<Kit(std::uint32_t)>& kits);

  private:
    struct Agent;
    struct Request {
        Kit kit;
        links::SpawnMda spawn;
    };

    void start(const Request& request);
    Status start_agent(const Request& request);
    void ended(const std::string& user, const Ending& ending);
    void refuse(const Request& request, std::string_view why);

    Loop& loop_;
    std::string lock_;
    Reply reply_;
    std::map<std::string, std::unique_ptr<Agent>> agents_;  // by user
    std::deque<Request> waiting_;
    std::function<void(std::uint32_t)> when_none_;
};

}  // namespace holdfast
