#include "smtpd/parent/agents.h"

#include <algorithm>
#include <csignal>

#include <sys/file.h>

#include "smtpd/base/log.h"
#include "smtpd/links/users_client.h"
#include "smtpd/parent/instance.h"

namespace holdfast {

// An agent says nothing to the parent but Ready; its end is what matters.
struct Agents::Agent {
    explicit Agent(Loop& loop) : end_timer(loop, [this] { process->kill(SIGKILL); }) {}

    std::uint64_t request = 0;
    std::uint32_t generation = 0;
    std::unique_ptr<Process> process;
    std::optional<Channel<links::ParentToMda, links::MdaToParent>> channel;
    MonoTime started;
    Timer end_timer;

    void on(links::Ready&&) {}
    void on_unknown() {}
    void on_end(ChannelEnd) { channel.reset(); }
    void open(Loop& loop, UniqueFd socket) {
        channel.emplace(loop, std::move(socket), *this, links::Tail::skip);
    }
};

Agents::Agents(Loop& loop, std::string lock, Reply reply)
    : loop_(loop), lock_(std::move(lock)), reply_(std::move(reply)) {}
Agents::~Agents() = default;

Result<bool> Agents::strangers_live() const {
    auto lock = open_lock(lock_, LOCK_EX);
    if (!lock && lock.error().code() != EWOULDBLOCK) return lock.error().pass();
    return !lock;
}

void Agents::spawn(const Kit& kit, links::SpawnMda spawn) {
    Request request{kit, std::move(spawn)};
    if (!links::may_get_mail(request.spawn.user)) return refuse(request, "this is no login name");
    if (agents_.contains(request.spawn.user) || agents_.size() >= max_agents) {
        if (waiting_.size() >= max_waiting) return refuse(request, "too many agents are asked for");
        waiting_.push_back(std::move(request));
        return;
    }
    start(request);
}

void Agents::start(const Request& request) {
    if (const auto started = start_agent(request); !started) {
        log::error("agent-failed", {{"user", request.spawn.user}, {"reason", started.error()}});
        refuse(request, "the agent could not be started");
    }
}

Status Agents::start_agent(const Request& request) {
    const Outfit& outfit = request.kit->outfit;
    const std::string& user = request.spawn.user;
    auto life = open_lock(lock_, LOCK_SH);
    if (!life) return life.error().pass();
    auto to_parent = make_channel();
    if (!to_parent) return to_parent.error().pass();
    auto to_qmgr = make_channel(DescriptorsPass::no);
    if (!to_qmgr) return to_qmgr.error().pass();
    auto process = Process::start(
        loop_, {outfit.image->find("mda"), {"smtpd: mda", user}, to_parent->second.get()},
        [this, user](Ending ending) { ended(user, ending); });
    if (!process) return process.error().pass();

    auto agent = std::make_unique<Agent>(loop_);
    agent->request = request.spawn.request;
    agent->generation = outfit.generation;
    agent->process = std::move(*process);
    agent->started = loop_.now();
    agent->open(loop_, std::move(to_parent->first));
    links::Start first = outfit.first_message(request.kit->snapshot);
    first.life = std::move(*life);
    agent->channel->send(std::move(first));
    agent->channel->send(links::User{user});
    agent->channel->send(links::Peer{links::Room::qmgr, std::move(to_qmgr->second)});
    agent->channel->flush();
    agents_.emplace(user, std::move(agent));
    reply_(outfit.generation, links::MdaSpawned{request.spawn.request, std::move(to_qmgr->first)});
    return {};
}

void Agents::ended(const std::string& user, const Ending& ending) {
    if (!ending.clean()) {
        log::warning("agent-ended", {{"user", user}, {"how", ending.text()}});
    }
    const std::uint32_t generation = agents_.at(user)->generation;
    agents_.erase(user);
    // The first that may start now: usually the next one for this user.
    const auto next = std::ranges::find_if(
        waiting_, [this](const Request& request) { return !agents_.contains(request.spawn.user); });
    if (next != waiting_.end()) {
        const Request request = std::move(*next);
        waiting_.erase(next);
        start(request);
    }
    if (!any(generation) && when_none_) when_none_(generation);
}

void Agents::refuse(const Request& request, std::string_view why) {
    reply_(request.kit->outfit.generation,
           links::MdaRefused{request.spawn.request, std::string(why)});
}

void Agents::abandon(std::uint32_t generation, const links::AbandonMda& request) {
    std::erase_if(waiting_, [&](const Request& one) {
        return one.kit->outfit.generation == generation && one.spawn.request == request.request;
    });
    for (auto& [user, agent] : agents_) {
        if (agent->generation == generation && agent->request == request.request) {
            agent->end_timer.set(end_limit);
        }
    }
}

void Agents::forget_requests(std::uint32_t generation) {
    std::erase_if(waiting_, [generation](const Request& one) {
        return one.kit->outfit.generation == generation;
    });
    for (auto& [user, agent] : agents_) {
        if (agent->generation != generation || agent->end_timer.pending()) continue;
        agent->end_timer.set(orphan_limit);
    }
}

void Agents::kill_all(std::uint32_t generation) {
    for (const auto& [user, agent] : agents_) {
        if (agent->generation == generation) agent->process->kill(SIGKILL);
    }
}

bool Agents::any(std::uint32_t generation) const {
    return std::ranges::any_of(
        agents_, [generation](const auto& one) { return one.second->generation == generation; });
}

std::vector<links::RoomStatus> Agents::status() const {
    std::vector<links::RoomStatus> result;
    for (const auto& [user, agent] : agents_) {
        links::RoomStatus row;
        row.room = links::room_name(links::Room::mda);
        row.detail = user;
        row.pid = agent->process->pid();
        row.generation = agent->generation;
        row.uptime_seconds = whole_seconds(loop_.now() - agent->started);
        result.push_back(std::move(row));
    }
    return result;
}

links::AgentsState Agents::state() const {
    links::AgentsState state;
    for (const auto& [user, agent] : agents_) {
        links::AgentState one;
        one.generation = agent->generation;
        one.request = agent->request;
        one.user = user;
        one.ending = agent->end_timer.pending();
        one.process = {agent->process->pid(),
                       duplicate(agent->process->pidfd()),
                       {},
                       agent->started.time_since_epoch().count()};
        if (agent->channel) one.process.channel = duplicate(agent->channel->socket());
        state.living.push_back(std::move(one));
    }
    for (const Request& request : waiting_) {
        state.waiting.push_back(
            {request.kit->outfit.generation, request.spawn.request, request.spawn.user});
    }
    return state;
}

void Agents::adopt(links::AgentsState state, const std::function<Kit(std::uint32_t)>& kits) {
    for (links::AgentState& one : state.living) {
        auto agent = std::make_unique<Agent>(loop_);
        agent->request = one.request;
        agent->generation = one.generation;
        agent->started = MonoTime(Duration(one.process.started));
        agent->process =
            Process::adopt(loop_, one.process.pid, std::move(one.process.pidfd),
                           [this, user = one.user](Ending ending) { ended(user, ending); });
        if (one.process.channel) agent->open(loop_, std::move(one.process.channel));
        if (one.ending) agent->end_timer.set(orphan_limit);
        agents_.emplace(one.user, std::move(agent));
    }
    for (links::WaitingAgent& one : state.waiting) {
        waiting_.push_back({kits(one.generation), {one.request, std::move(one.user)}});
    }
}

}  // namespace holdfast
