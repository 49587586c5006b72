// One attempt at everything of a message that is still pending: which mailboxes get it, what came
// of each, and what that adds up to. Pure: outcomes in, log entries out.
//
// A mailbox gets a message once, however many recipients lead there: they share its outcome.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "queue/store.h"
#include "smtpd/qmgr/round_news.h"
#include "smtpd/qmgr/router.h"

namespace holdfast::qmgr {

class Round {
  public:
    // A mailbox, and who leads there.
    struct Stop {
        struct Ref {
            std::uint32_t recipient = 0;
            std::string key;
        };
        std::string user;
        std::vector<Ref> refs;  // never empty
        bool open = true;
    };

    // `message` outlives the round, which keeps its state up to date. `routes` has one element for
    // each recipient. `now`: wall clock, milliseconds since 1970.
    Round(queue::Message& message, std::vector<Route> routes, std::int64_t now);

    std::size_t stops() const { return stops_.size(); }
    const Stop& stop(std::size_t at) const { return stops_.at(at); }

    void report(std::size_t at, const Outcome& outcome, std::int64_t now);
    // It stays pending, and was not tried.
    void skip(std::size_t at);
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
    void note(const Stop::Ref& ref, const Outcome& outcome, std::string_view mailbox,
              std::int64_t now);
    void enter(queue::LogEntry entry);
    bool close(Stop& stop);
    bool pending(const Stop::Ref& ref) const;

    queue::Message& message_;
    std::vector<Route> routes_;
    std::vector<Stop> stops_;
    std::map<std::string, std::size_t, std::less<>> by_user_;
    std::set<std::string, std::less<>> delivered_;  // users whose mailbox has it
    std::vector<queue::LogEntry> entries_;
    RoundNews news_;
    std::size_t open_ = 0;
    bool skipped_ = false;
};

}  // namespace holdfast::qmgr
