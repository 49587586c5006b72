#include "smtpd/qmgr/agents.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr unsigned max_refusals = 6;
constexpr Duration between_patrols = std::chrono::seconds(1);

}  // namespace

// A user's place here: the deliveries that wait, and the agent, if there is one.
struct Agents::Post {
    std::string user;
    State state = State::resting;
    MonoTime since{};           // of the state
    std::uint64_t request = 0;  // while spawning or standing
    unsigned refusals = 0;
    Line<MailboxJob> line;
    std::unique_ptr<Agent> agent;  // while standing

    void become(State next, MonoTime now) {
        state = next;
        since = now;
    }
};

Agents::Agents(Loop& loop, Spool& spool, std::size_t max_agents, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      max_agents_(max_agents),
      callbacks_(std::move(callbacks)),
      patrol_(loop, [this] { patrol(); }) {}

Agents::~Agents() = default;

Agents::Post& Agents::post(const std::string& user) {
    Post& place = posts_[user];
    place.user = user;
    if (!patrol_.pending()) patrol_.set(between_patrols);
    return place;
}

bool Agents::has_room(const std::string& user, std::size_t weight) const {
    const auto at = posts_.find(user);
    if (draining_ || at == posts_.end()) return !draining_;
    return at->second.line.has_room(weight);
}

void Agents::deliver(MailboxJob job) {
    ++open_jobs_;
    Post& place = post(job.user);
    job.done = [this, &place, weight = job.weight, done = std::move(job.done)](JobResult result) {
        --open_jobs_;
        place.line.release(weight);
        done(std::move(result));
    };
    place.line.push(std::move(job));
    pump(place);
}

void Agents::park(const std::string& user, const MessageId& message, std::size_t weight) {
    if (!draining_) post(user).line.park(message, weight);
}

void Agents::pump(Post& place) {
    if (place.state == State::standing) return feed(place);
    if (place.state != State::resting || place.line.empty()) return;
    join_line(place);
    serve_line();
}

// --- The line for a slot -------------------------------------------------------------------------

void Agents::join_line(Post& place) {
    place.become(State::in_line, loop_.now());
    line_.push_back(place.user);
}

void Agents::serve_line() {
    while (!line_.empty() && loop_.now() >= paused_until_ &&
           (slots_taken_ < max_agents_ || make_room())) {
        Post& place = post(line_.front());
        line_.pop_front();
        if (place.line.empty()) {
            place.become(State::resting, loop_.now());
        } else {
            spawn(place);
        }
    }
}

// Agents that only linger go when somebody waits.
bool Agents::make_room() {
    const auto idle = std::ranges::find_if(posts_, [](const auto& item) {
        return item.second.agent && item.second.agent->idle() && item.second.line.empty();
    });
    if (idle == posts_.end()) return false;
    dismiss(idle->second);
    return true;
}

void Agents::spawn(Post& place) {
    place.become(State::spawning, loop_.now());
    place.request = ++last_request_;
    ++slots_taken_;
    callbacks_.spawn({place.request, place.user});
}

Agents::Post* Agents::post_that_asked(std::uint64_t request) {
    const auto at = std::ranges::find_if(posts_, [request](const auto& item) {
        return item.second.state == State::spawning && item.second.request == request;
    });
    return at == posts_.end() ? nullptr : &at->second;
}

void Agents::on(links::MdaSpawned&& spawned) {
    Post* place = post_that_asked(spawned.request);
    // Nobody waits for it any more: its channel closes here, and it ends.
    if (place == nullptr) return;
    place->become(State::standing, loop_.now());
    place->refusals = 0;
    place->agent = std::make_unique<Agent>(loop_, spool_, std::move(spawned.channel),
                                           Agent::Callbacks{[this, place] { pump(*place); },
                                                            [this, place] {
                                                                dismiss(*place);
                                                                serve_line();
                                                            }});
    feed(*place);
}

void Agents::on(links::MdaRefused&& refused) {
    Post* place = post_that_asked(refused.request);
    if (place == nullptr) return;
    log::warning("agent-refused", {{"user", place->user}, {"reason", refused.why}});
    paused_until_ = loop_.now() + between_patrols;
    if (++place->refusals >= max_refusals) {
        place->refusals = 0;
        end_waiting(*place, JobEnd::reported, "no delivery agent could be started");
    }
    withdraw(*place);
}

// --- Work for an agent ---------------------------------------------------------------------------

void Agents::feed(Post& place) {
    const bool turn_over = !line_.empty() && loop_.now() - place.since > turn;
    std::size_t handed = 0;
    while (!turn_over && place.agent->hungry() && !place.line.empty()) {
        ++handed;
        place.agent->deliver(place.line.pop());
    }
    unpark(place, place.line.empty() ? handed + 1 : handed);
    if (place.agent->idle() && (turn_over || draining_)) {
        dismiss(place);
        serve_line();
    }
}

// Lets the agent go, and sees to it that it does.
void Agents::dismiss(Post& place) {
    callbacks_.abandon({place.request});
    withdraw(place);
}

// Gives the slot back. What waits goes to the end of the line.
void Agents::withdraw(Post& place) {
    if (place.agent) place.agent->abandon();
    // Its own callback may be what brought us here.
    loop_.after_turn([gone = std::shared_ptr<Agent>(std::move(place.agent))] {});
    --slots_taken_;
    place.become(State::resting, loop_.now());
    if (!place.line.empty()) join_line(place);
}

void Agents::unpark(Post& place, std::size_t count) {
    for (const MessageId& id : place.line.unpark(count)) callbacks_.unpark(id);
}

void Agents::end_waiting(Post& place, JobEnd end, const std::string& why) {
    for (MailboxJob& job : place.line.take_all()) job.done({end, {retry_with(why)}});
}

// --- What time does ------------------------------------------------------------------------------

void Agents::patrol() {
    for (auto& [user, place] : posts_) look_at(place);
    serve_line();
    std::erase_if(posts_, [](const auto& item) {
        const Post& place = item.second;
        return place.state == State::resting && place.line.unused();
    });
    if (!posts_.empty()) patrol_.set(between_patrols);
}

void Agents::look_at(Post& place) {
    const MonoTime now = loop_.now();
    if (place.state == State::spawning && now - place.since >= patience) {
        log::warning("agent-late", {{"user", place.user}});
        end_waiting(place, JobEnd::reported, "the delivery agent did not start in time");
        dismiss(place);
    } else if (place.state == State::standing && place.agent->idle()) {
        if (place.line.empty() && now - place.agent->last_progress() >= linger) dismiss(place);
    } else if (place.state == State::standing &&
               now - place.agent->last_progress() >=
                   (line_.empty() && !pressed_ ? silence : silence_in_turn)) {
        log::warning("agent-silent", {{"user", place.user}});
        dismiss(place);
    }
    // Those that were called for and came to nothing leave a gap in the line.
    constexpr std::size_t half = Line<MailboxJob>::max_length / 2;
    if (place.line.size() < half) unpark(place, half);
}

void Agents::drain() {
    draining_ = true;
    for (auto& [user, place] : posts_) {
        place.line.forget_parked();
        end_waiting(place, JobEnd::drained, {});
        if (place.state == State::standing && place.agent->idle()) dismiss(place);
    }
}

}  // namespace holdfast::qmgr
