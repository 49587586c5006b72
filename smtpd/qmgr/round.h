// One attempt at everything of a message that is still pending: which mailboxes get it, which other
// machines, what came of each, and what that adds up to. Pure: outcomes in, log entries out.
//
// A mailbox, or an address elsewhere, gets a message once, however many recipients lead there: they
// share its outcome.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "queue/store.h"
#include "smtpd/qmgr/round_news.h"
#include "smtpd/qmgr/router.h"

namespace holdfast::qmgr {

class Round {
  public:
    // A recipient of the envelope, or one of its targets.
    struct Ref {
        std::uint32_t recipient = 0;
        std::string key;
    };
    // A mailbox or an address elsewhere, and who leads there.
    struct Place {
        std::string name;       // the user, or the address
        std::vector<Ref> refs;  // never empty
    };
    // What is done in one go: a mailbox of this machine, or all that takes one route.
    struct Stop {
        std::optional<std::size_t> route;  // nothing: `places` is one mailbox
        std::vector<Place> places;         // never empty
        bool open = true;
    };

    // `message` outlives the round, which keeps its state up to date. `routes` has one element for
    // each recipient. `now`: wall clock, milliseconds since 1970.
    Round(queue::Message& message, std::vector<Route> routes, std::int64_t now);

    std::size_t stops() const { return stops_.size(); }
    const Stop& stop(std::size_t at) const { return stops_.at(at); }

    // One outcome for all of its places, or one for each.
    void report(std::size_t at, std::span<const Outcome> outcomes, std::int64_t now);
    // It stays pending, and was not tried.
    void skip(std::size_t at);
    // It stays pending because of a failure of ours, and nothing of the message expires (F45).
    void hold(std::size_t at, const Outcome& why, std::int64_t now);
    // The sender has been told.
    void noticed(queue::Noticed noticed, std::int64_t now);

    // Every stop was reported or skipped.
    bool over() const { return open_ == 0; }
    bool skipped() const { return skipped_; }
    // Nothing is left to do for any recipient.
    bool settled() const;

    // What is still pending is given up, unless something was not even tried.
    void expire(std::string_view age, std::int64_t now);

    // Not yet recorded. A success among them must be on disk before anything else is forgotten.
    bool has_entries() const { return !entries_.empty(); }
    bool has_success() const;
    std::vector<queue::LogEntry> take_entries();
    // They could not be recorded: the next take_entries() brings them again.
    void give_back(std::vector<queue::LogEntry> entries);

    // For people.
    RoundNews& news() { return news_; }

  private:
    void find_delivered();
    void add(std::uint32_t recipient, const Target& target, std::int64_t now);
    Place& place_of(const Target& target);
    void note(const Ref& ref, const Outcome& outcome, std::string_view mailbox, std::int64_t now);
    void enter(queue::LogEntry entry);
    bool close(Stop& stop);
    bool pending(const Ref& ref) const;

    queue::Message& message_;
    std::vector<Route> routes_;
    std::vector<Stop> stops_;
    using PlaceNumber = std::pair<std::size_t, std::size_t>;  // a stop, and a place of it
    std::map<std::string, PlaceNumber, std::less<>> by_name_;
    std::map<std::size_t, std::size_t> by_route_;   // stops
    std::set<std::string, std::less<>> delivered_;  // names of places that have it
    std::vector<queue::LogEntry> entries_;
    RoundNews news_;
    std::size_t open_ = 0;
    bool skipped_ = false;
};

}  // namespace holdfast::qmgr
