#include "smtpd/qmgr/destinations.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

// A message that relay died of so often is not what it is tried with next.
constexpr unsigned max_cuts = 3;
constexpr unsigned max_turned_away = 30;  // it may be the first of its line each time
// So long a message that was called for has to come: it may have been removed meanwhile.
constexpr Duration until_it_comes = std::chrono::minutes(1);

}  // namespace

struct Destinations::Destination {
    Key relays;
    std::string names;
    std::string places;
    Passage passage;
    Line<RelayJob> line;
    MonoTime called_until{};  // closed, and a message was called for to be tried with
};

Destinations::Destinations(Loop& loop, Spool& spool, const RouteTable& table, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      table_(table),
      callbacks_(std::move(callbacks)),
      timer_(loop, [this] { on_timer(); }) {}

Destinations::~Destinations() = default;

void Destinations::connect(UniqueFd channel) {
    if (peer_) peer_->on_end(ChannelEnd::closed);
    RelayPeer::Callbacks callbacks;
    callbacks.on_job_end = [this](RelayJob job, RelayPeer::End end) {
        ended(destination(job.route), std::move(job), std::move(end));
    };
    callbacks.on_end = [this](std::optional<Breach> breach) {
        // Its own callback is on the stack.
        loop_.after_turn([gone = std::shared_ptr<RelayPeer>(std::move(peer_))] {});
        callbacks_.on_peer_end(std::move(breach));
    };
    peer_ = std::make_unique<RelayPeer>(loop_, spool_, std::move(channel), std::move(callbacks));
    for (auto& [key, place] : places_) pump(*place);
}

Destinations::Destination& Destinations::destination(std::size_t route) {
    const Key& relays = table_.route(route).relays;
    auto& place = places_[relays];
    if (place) return *place;
    std::size_t limit = 1;
    for (const std::uint32_t at : relays) {
        limit = std::max<std::size_t>(limit, table_.relay(at).max_connections);
    }
    place = std::make_unique<Destination>(
        Destination{relays, table_.names(relays), table_.places(relays), Passage(limit), {}});
    return *place;
}

const Destinations::Destination* Destinations::find(std::size_t route) const {
    const auto at = places_.find(table_.route(route).relays);
    return at == places_.end() ? nullptr : at->second.get();
}

// --- The line ------------------------------------------------------------------------------------

bool Destinations::has_room(std::size_t route, std::size_t weight) const {
    if (draining_) return false;
    const Destination* const place = find(route);
    if (place == nullptr) return true;
    const Passage& passage = place->passage;
    const bool closed = passage.way() == links::Way::broken;
    if (closed && !(place->line.empty() && passage.admits(loop_.now()))) return false;
    return place->line.has_room(weight);
}

void Destinations::deliver(RelayJob job) {
    ++open_jobs_;
    Destination& place = destination(job.route);
    job.send.relays = place.relays;
    job.done = [this, &place, weight = job.weight, done = std::move(job.done)](JobResult result) {
        --open_jobs_;
        place.line.release(weight);
        done(std::move(result));
    };
    place.called_until = {};
    place.line.push(std::move(job));
    // Nobody is called back in the middle of what he does.
    loop_.after_turn(life_.guard([this, &place] { pump(place); }));
}

void Destinations::park(std::size_t route, const MessageId& message, std::size_t weight) {
    if (draining_) return;
    destination(route).line.park(message, weight);
    plan();
}

// As much as it takes goes to relay. Where it takes none now, nobody is kept waiting for the next
// time: what was called for to find out has come by then.
void Destinations::pump(Destination& place) {
    if (draining_) return;
    const MonoTime now = loop_.now();
    while (peer_ && peer_->has_room() && !place.line.empty() && place.passage.admits(now)) {
        place.passage.begun();
        peer_->send(place.line.pop());
    }
    const bool pausing = !place.passage.open() && place.passage.running() == 0;
    if (pausing && now < place.passage.pause_ends()) {
        place.passage.way() == links::Way::broken ? hold_line(place) : defer_line(place);
    }
    if (place.passage.open() && place.line.size() < Line<RelayJob>::max_length / 2) {
        call(place, Line<RelayJob>::max_length / 2);
    }
    plan();
}

void Destinations::defer_line(Destination& place) {
    const std::string why = place.names + " cannot be reached: " + place.passage.why();
    for (RelayJob& job : place.line.take_all()) {
        job.done({JobEnd::reported, {{Verdict::retry, "4.4.1", why, {}}}});
    }
}

void Destinations::hold_line(Destination& place) {
    for (RelayJob& job : place.line.take_all()) {
        const MessageId id = job.send.id;
        const std::size_t weight = job.weight;
        job.done({JobEnd::held, {retry_with(place.passage.why())}});
        place.line.park(id, weight);
    }
}

void Destinations::call(Destination& place, std::size_t count) {
    for (const MessageId& id : place.line.unpark(count)) callbacks_.unpark(id);
}

// --- What came of them ---------------------------------------------------------------------------

void Destinations::ended(Destination& place, RelayJob job, RelayPeer::End end) {
    using Kind = RelayPeer::End::Kind;
    switch (end.kind) {
        case Kind::sent:
            sent(place, std::move(job), std::move(end.sent));
            break;
        case Kind::unread:
            place.passage.given_back();
            job.done(std::move(end.result));
            break;
        case Kind::cut:
            place.passage.given_back();
            cut(place, std::move(job));
            break;
        case Kind::in_doubt:
            place.passage.given_back();
            job.done({JobEnd::uncertain,
                      {retry_with("relay ended before it heard whether the message was taken")}});
            break;
    }
    loop_.after_turn(life_.guard([this, &place] { pump(place); }));
}

void Destinations::sent(Destination& place, RelayJob job, links::Sent sent) {
    shown(place, sent.way, sent.why);
    // Not its turn: that others are served now says that it will be.
    const bool turned_away =
        sent.way == links::Way::unreachable && !sent.uncertain && place.passage.open();
    if (turned_away && ++job.turned_away <= max_turned_away) {
        return place.line.put_back(std::move(job));
    }
    JobResult result;
    const bool ours = sent.way == links::Way::broken;
    result.end = ours ? JobEnd::held : sent.uncertain ? JobEnd::uncertain : JobEnd::reported;
    for (std::uint32_t i = 0; i < sent.recipients.size(); ++i) {
        result.outcomes.push_back(std::move(sent.recipients[i].outcome));
        if (sent.recipients[i].dsn_passed) result.dsn_passed.push_back(i);
    }
    const MessageId id = job.send.id;
    const std::size_t weight = job.weight;
    job.done(std::move(result));
    if (ours) place.line.park(id, weight);
}

// The end of relay is not the message's fault, unless it happens with this one again and again.
void Destinations::cut(Destination& place, RelayJob job) {
    if (draining_) return job.done({JobEnd::drained, {}});
    if (++job.cuts < max_cuts) return place.line.put_back(std::move(job));
    job.done({JobEnd::reported, {retry_with("relay ended each time that it was sent")}});
}

void Destinations::shown(Destination& place, links::Way way, const std::string& why) {
    const Passage::Change change = place.passage.ended(way, why, loop_.now());
    if (change.opened) {
        log::info("route-open", {{"relays", place.names}});
    } else if (change.broken) {
        log::error("route-held", {{"relays", place.names}, {"reason", why}});
        callbacks_.on_broken(closure_of(place));
    } else if (way == links::Way::unreachable) {
        log::warning_limited("relay-unreachable", {{"relays", place.names}, {"reason", why}});
    }
}

// --- What time does ------------------------------------------------------------------------------

void Destinations::plan() {
    std::optional<MonoTime> next;
    for (const auto& [key, place] : places_) {
        const Passage& passage = place->passage;
        if (passage.open() || passage.running() > 0 || place->line.parked() == 0) continue;
        const MonoTime worth_it = std::max(passage.pause_ends(), place->called_until);
        next = std::min(next.value_or(worth_it), worth_it);
    }
    if (next) timer_.set(std::max(*next - loop_.now(), Duration::zero()));
}

// Of those that are closed one message each is called for, to be tried with.
void Destinations::on_timer() {
    for (auto& [key, place] : places_) {
        const MonoTime now = loop_.now();
        const Passage& passage = place->passage;
        if (passage.open() || !passage.admits(now) || now < place->called_until) continue;
        if (place->line.parked() == 0 || !place->line.empty()) continue;
        place->called_until = now + until_it_comes;
        call(*place, 1);
    }
    plan();
}

void Destinations::try_now() {
    for (auto& [key, place] : places_) {
        place->passage.try_now();
        place->called_until = {};
    }
    timer_.set(Duration::zero());
}

// --- For people ----------------------------------------------------------------------------------

Destinations::Closure Destinations::closure_of(const Destination& place) const {
    const Passage& passage = place.passage;
    const MonoTime now = loop_.now();
    return {place.names,
            place.places,
            passage.why(),
            passage.way(),
            now - passage.since(),
            std::max(passage.pause_ends() - now, Duration::zero()),
            place.line.parked() + place.line.size()};
}

std::optional<Destinations::Closure> Destinations::closure(std::size_t route) const {
    const Destination* const place = find(route);
    if (place == nullptr || place->passage.open()) return std::nullopt;
    return closure_of(*place);
}

std::vector<Destinations::Closure> Destinations::closures() const {
    std::vector<Closure> result;
    for (const auto& [key, place] : places_) {
        if (!place->passage.open()) result.push_back(closure_of(*place));
    }
    return result;
}

void Destinations::drain() {
    draining_ = true;
    timer_.cancel();
    for (auto& [key, place] : places_) {
        place->line.forget_parked();
        for (RelayJob& job : place->line.take_all()) job.done({JobEnd::drained, {}});
    }
}

}  // namespace holdfast::qmgr
