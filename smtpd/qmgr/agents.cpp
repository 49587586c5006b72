#include "smtpd/qmgr/agents.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr unsigned max_refusals = 6;
constexpr std::size_t max_unparked = 64;  // users that are looked at each time
constexpr Duration first_cooling = std::chrono::seconds(1);
constexpr Duration patrol_every = std::chrono::seconds(30);

}  // namespace

// A user's place here: the deliveries that wait, and the agent, if there is one.
struct Agents::Post {
    std::string user;
    Phase phase = Phase::resting;
    std::deque<Job> jobs;
    std::unique_ptr<Agent> agent;
    std::uint64_t request = 0;
    MonoTime since{};  // of the phase
    unsigned refusals = 0;
    bool feeding = false;
    std::deque<MessageId> parked;
    std::unique_ptr<Timer> timer;
};

Agents::Agents(Loop& loop, Spool& spool, Limits limits, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      limits_(limits),
      callbacks_(std::move(callbacks)),
      patrol_(loop, [this] { patrol(); }) {}

Agents::~Agents() = default;

Agents::Post& Agents::post(const std::string& user) {
    auto& place = posts_[user];
    if (place == nullptr) {
        place = std::make_unique<Post>();
        place->user = user;
        place->timer = std::make_unique<Timer>(loop_, [this, user] { timer_fired(user); });
        if (!patrol_.pending()) patrol_.set(patrol_every);
    }
    return *place;
}

std::size_t Agents::line_limit() const {
    return waiting_ * 2 < limits_.waiting ? limits_.long_line : limits_.short_line;
}

bool Agents::has_room(const std::string& user) const {
    if (draining_ || waiting_ >= limits_.waiting) return false;
    const auto at = posts_.find(user);
    return at == posts_.end() || at->second->jobs.size() < line_limit();
}

void Agents::deliver(Job job) {
    Post& place = post(job.user);
    place.jobs.push_back(std::move(job));
    ++waiting_;
    pump(place);
}

void Agents::park(const std::string& user, const MessageId& id) {
    if (draining_) return;
    Post& place = post(user);
    if (place.parked.empty()) parked_users_.push_back(user);
    place.parked.push_back(id);
}

void Agents::pump(Post& place) {
    switch (place.phase) {
        case Phase::resting:
            if (!place.jobs.empty()) want_agent(place);
            break;
        case Phase::standing:
            feed(place);
            break;
        case Phase::in_line:
        case Phase::spawning:
        case Phase::cooling:
            break;
    }
}

void Agents::want_agent(Post& place) {
    place.phase = Phase::in_line;
    line_.push_back(place.user);
    serve_line();
    if (line_.empty()) return;
    // Somebody waits: agents that only linger make room.
    for (auto& [user, other] : posts_) {
        if (other->phase == Phase::standing && other->agent->idle() && other->jobs.empty()) {
            return let_go(*other);
        }
    }
}

void Agents::serve_line() {
    while (!line_.empty() && slots_taken_ < limits_.agents) {
        const std::string user = std::move(line_.front());
        line_.pop_front();
        Post& place = post(user);
        if (place.phase != Phase::in_line) continue;
        place.phase = Phase::resting;
        if (!place.jobs.empty()) spawn(place);
    }
}

void Agents::spawn(Post& place) {
    place.phase = Phase::spawning;
    place.since = loop_.now();
    place.request = ++last_request_;
    spawning_.emplace(place.request, place.user);
    ++slots_taken_;
    place.timer->set(limits_.spawn);
    callbacks_.spawn({place.request, place.user});
}

void Agents::on(links::MdaSpawned&& spawned) {
    const auto at = spawning_.find(spawned.request);
    // Nobody waits for it any more: its channel closes here, and it ends.
    if (at == spawning_.end()) return;
    Post& place = post(at->second);
    spawning_.erase(at);
    place.phase = Phase::standing;
    place.since = loop_.now();
    place.refusals = 0;
    place.timer->cancel();
    place.agent =
        std::make_unique<Agent>(loop_, spool_, std::move(spawned.channel),
                                Agent::Callbacks{[this, user = place.user] { pump(post(user)); },
                                                 [this, user = place.user] { agent_ended(user); }});
    feed(place);
}

void Agents::on(links::MdaRefused&& refused) {
    const auto at = spawning_.find(refused.request);
    if (at == spawning_.end()) return;
    Post& place = post(at->second);
    spawning_.erase(at);
    --slots_taken_;
    log::warning("agent-refused", {{"user", place.user}, {"reason", refused.why}});
    place.phase = Phase::cooling;
    place.timer->set(first_cooling * (1 << place.refusals));
    if (++place.refusals >= max_refusals) {
        place.refusals = 0;
        end_waiting(place, JobEnd::not_begun, "no delivery agent could be started");
    }
    serve_line();
}

// Reentrant: a delivery that ends at once comes back here.
void Agents::feed(Post& place) {
    if (place.feeding) return;
    place.feeding = true;
    const bool turn_over = !line_.empty() && loop_.now() - place.since > limits_.turn;
    while (!turn_over && place.agent && place.agent->hungry() && !place.jobs.empty()) {
        Job job = std::move(place.jobs.front());
        place.jobs.pop_front();
        --waiting_;
        ++handed_;
        job.done = [this, done = std::move(job.done)](JobResult result) {
            --handed_;
            done(std::move(result));
        };
        place.timer->cancel();
        place.agent->deliver(std::move(job));
    }
    place.feeding = false;
    if (place.agent && place.agent->idle()) {
        if (!line_.empty() || draining_) {
            let_go(place);
        } else if (!place.timer->pending()) {
            place.timer->set(limits_.linger);
        }
    }
    unpark_some();
}

// Ends an agent that has nothing in its hands.
void Agents::let_go(Post& place) {
    // Its own callback may be what brought us here.
    loop_.after_turn([gone = std::shared_ptr<Agent>(std::move(place.agent))] {});
    place.timer->cancel();
    place.phase = Phase::resting;
    --slots_taken_;
    if (!place.jobs.empty()) {
        place.phase = Phase::in_line;
        line_.push_back(place.user);
    }
    serve_line();
}

void Agents::agent_ended(const std::string& user) {
    Post& place = post(user);
    if (place.phase != Phase::standing) return;
    let_go(place);
    unpark_some();
}

void Agents::end_waiting(Post& place, JobEnd end, const std::string& why) {
    auto jobs = std::exchange(place.jobs, {});
    waiting_ -= jobs.size();
    for (Job& job : jobs) job.done({end, {Verdict::retry, "4.3.0", why, {}}});
}

void Agents::timer_fired(const std::string& user) {
    Post& place = post(user);
    switch (place.phase) {
        case Phase::standing:
            if (place.agent->idle() && place.jobs.empty()) let_go(place);
            break;
        case Phase::spawning:
            log::warning("agent-late", {{"user", user}});
            spawning_.erase(place.request);
            place.phase = Phase::resting;
            --slots_taken_;
            end_waiting(place, JobEnd::not_begun, "the delivery agent did not start in time");
            serve_line();
            break;
        case Phase::cooling:
            place.phase = Phase::resting;
            pump(place);
            break;
        case Phase::resting:
        case Phase::in_line:
            break;
    }
    unpark_some();
    forget_if_idle(user);
}

void Agents::unpark_some() {
    for (std::size_t i = std::min(parked_users_.size(), max_unparked); i > 0; --i) unpark_next();
}

// The next user's parked messages, as many as his line takes.
void Agents::unpark_next() {
    if (parked_users_.empty() || draining_ || waiting_ >= limits_.waiting) return;
    const std::string user = std::move(parked_users_.front());
    parked_users_.pop_front();
    Post& place = post(user);
    std::size_t room = limits_.short_line / 2;
    room -= std::min(room, place.jobs.size());
    for (; room > 0 && !place.parked.empty(); --room) {
        const MessageId id = place.parked.front();
        place.parked.pop_front();
        callbacks_.unpark(id);
    }
    if (!place.parked.empty()) parked_users_.push_back(user);
}

void Agents::patrol() {
    for (auto& [user, place] : posts_) {
        if (place->phase != Phase::standing || place->agent->idle()) continue;
        if (loop_.now() - place->agent->last_progress() < limits_.silence) continue;
        log::warning("agent-silent", {{"user", user}});
        place->agent->abandon();
        if (place->phase == Phase::standing) let_go(*place);
    }
    for (std::size_t i = parked_users_.size(); i > 0; --i) unpark_next();
    std::erase_if(posts_, [](const auto& item) {
        const Post& place = *item.second;
        return place.phase == Phase::resting && place.jobs.empty() && place.parked.empty();
    });
    if (!posts_.empty()) patrol_.set(patrol_every);
}

void Agents::forget_if_idle(const std::string& user) {
    const auto at = posts_.find(user);
    if (at == posts_.end()) return;
    const Post& place = *at->second;
    if (place.phase == Phase::resting && place.jobs.empty() && place.parked.empty()) {
        posts_.erase(at);
    }
}

void Agents::drain() {
    draining_ = true;
    parked_users_.clear();
    for (auto& [user, place] : posts_) {
        place->parked.clear();
        end_waiting(*place, JobEnd::drained, {});
        if (place->phase == Phase::standing && place->agent->idle()) let_go(*place);
    }
}

}  // namespace holdfast::qmgr
