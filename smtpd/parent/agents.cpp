#include "smtpd/parent/agents.h"

#include <algorithm>
#include <csignal>

#include "smtpd/base/log.h"
#include "smtpd/links/users_client.h"

namespace holdfast {

// An agent says nothing to the parent but Ready; its end is what matters.
struct Agents::Agent {
    explicit Agent(Loop& loop) : end_timer(loop, [this] { process->kill(SIGKILL); }) {}

    std::uint64_t request = 0;
    std::unique_ptr<Process> process;
    std::optional<Channel<links::ParentToMda, links::MdaToParent>> channel;
    MonoTime started;
    Timer end_timer;

    void on(links::Ready&&) {}
    void on_end(ChannelEnd) { channel.reset(); }
};

Agents::Agents(Loop& loop, Reply reply) : loop_(loop), reply_(std::move(reply)) {}
Agents::~Agents() = default;

void Agents::configure(const Outfit& outfit, UniqueFd snapshot) {
    outfit_ = outfit;
    snapshot_ = std::move(snapshot);
}

void Agents::spawn(links::SpawnMda request) {
    if (!links::may_get_mail(request.user)) return refuse(request, "this is no login name");
    if (agents_.contains(request.user) || agents_.size() >= max_agents) {
        if (waiting_.size() >= max_waiting) return refuse(request, "too many agents are asked for");
        waiting_.push_back(std::move(request));
        return;
    }
    start(request);
}

void Agents::start(const links::SpawnMda& request) {
    if (const auto started = start_agent(request); !started) {
        log::error("agent-failed", {{"user", request.user}, {"reason", started.error()}});
        refuse(request, "the agent could not be started");
    }
}

Status Agents::start_agent(const links::SpawnMda& request) {
    auto to_parent = make_channel();
    if (!to_parent) return to_parent.error().pass();
    auto to_qmgr = make_channel(DescriptorsPass::no);
    if (!to_qmgr) return to_qmgr.error().pass();
    auto process = Process::start(
        loop_, {outfit_.libexec + "/mda", {"smtpd: mda", request.user}, to_parent->second.get()},
        [this, user = request.user](Ending ending) { ended(user, ending); });
    if (!process) return process.error().pass();

    auto agent = std::make_unique<Agent>(loop_);
    agent->request = request.request;
    agent->process = std::move(*process);
    agent->started = loop_.now();
    agent->channel.emplace(loop_, std::move(to_parent->first), *agent, links::Tail::skip);
    agent->channel->send(outfit_.first_message(snapshot_));
    agent->channel->send(links::User{request.user});
    agent->channel->send(links::Peer{links::Room::qmgr, std::move(to_qmgr->second)});
    agent->channel->flush();
    agents_.emplace(request.user, std::move(agent));
    reply_(links::MdaSpawned{request.request, std::move(to_qmgr->first)});
    return {};
}

void Agents::ended(const std::string& user, const Ending& ending) {
    if (!ending.clean()) {
        log::warning("agent-ended", {{"user", user}, {"how", ending.text()}});
    }
    agents_.erase(user);
    // The first that may start now: usually the next one for this user.
    const auto next = std::ranges::find_if(
        waiting_, [this](const auto& request) { return !agents_.contains(request.user); });
    if (next != waiting_.end()) {
        const links::SpawnMda request = std::move(*next);
        waiting_.erase(next);
        start(request);
    }
    if (agents_.empty() && when_empty_) when_empty_();
}

void Agents::refuse(const links::SpawnMda& request, std::string_view why) {
    reply_(links::MdaRefused{request.request, std::string(why)});
}

void Agents::abandon(const links::AbandonMda& request) {
    std::erase_if(waiting_, [&](const auto& one) { return one.request == request.request; });
    for (auto& [user, agent] : agents_) {
        if (agent->request == request.request) agent->end_timer.set(end_limit);
    }
}

void Agents::forget_requests() {
    waiting_.clear();
    for (auto& [user, agent] : agents_) {
        if (!agent->end_timer.pending()) agent->end_timer.set(orphan_limit);
    }
}

void Agents::kill_all(int signal) {
    for (const auto& [user, agent] : agents_) agent->process->kill(signal);
}

std::vector<links::RoomStatus> Agents::status() const {
    std::vector<links::RoomStatus> result;
    for (const auto& [user, agent] : agents_) {
        links::RoomStatus row;
        row.room = links::Room::mda;
        row.detail = user;
        row.pid = agent->process->pid();
        row.generation = outfit_.generation;
        row.uptime_seconds = whole_seconds(loop_.now() - agent->started);
        result.push_back(std::move(row));
    }
    return result;
}

}  // namespace holdfast
