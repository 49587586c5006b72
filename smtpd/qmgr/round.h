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
#include "smtpd/qmgr/router.h"

namespace holdfast::qmgr {

class Round {
  public:
    struct Stop {
        std::string user;
        std::uint32_t recipient = 0;  // the first of those that lead there
    };

    // An outcome as people should hear of it: one for each recipient that it concerns.
    struct News {
        std::uint32_t recipient = 0;
        std::string target;  // as in the log of the message
        Outcome outcome;
    };

    // `message` outlives the round, which keeps its state up to date. `routes` has one element for
    // each recipient. `now`: wall clock, milliseconds since 1970.
    Round(queue::Message& message, std::vector<Route> routes, std::int64_t now);

    std::size_t stops() const { return groups_.size(); }
    const Stop& stop(std::size_t at) const { return groups_.at(at).stop; }

    void report(std::size_t at, const Outcome& outcome, std::int64_t now);
    // It stays pending, and was not tried.
    void skip(std::size_t at);

    // Every stop was reported or skipped.
    bool over() const { return open_ == 0; }
    bool skipped() const { return skipped_; }
    // Nothing is left to do for any recipient.
    bool settled() const;

    // What is still pending, and was tried, is given up.
    void expire(std::string_view age, std::int64_t now);

    // Not yet recorded. A success among them must be on disk before anything else is forgotten.
    bool has_entries() const { return !entries_.empty(); }
    bool has_success() const { return has_success_; }
    std::vector<queue::LogEntry> take_entries();
    // They could not be recorded: the next take_entries() brings them again.
    void give_back(std::vector<queue::LogEntry> entries);

    std::vector<News> take_news();

  private:
    struct Ref {
        std::uint32_t recipient = 0;
        std::string key;
    };
    struct Group {
        Stop stop;
        std::vector<Ref> refs;
        bool open = true;
    };

    void find_delivered();
    void add(std::uint32_t recipient, const Target& target, std::int64_t now);
    void note(const Ref& ref, const Outcome& outcome, std::int64_t now);
    void enter(queue::LogEntry entry);
    void close(Group& group);
    bool pending(const Ref& ref) const;

    queue::Message& message_;
    std::vector<Route> routes_;
    std::vector<Group> groups_;
    std::map<std::string, std::size_t, std::less<>> by_user_;
    std::set<std::string, std::less<>> delivered_;  // users whose mailbox has it
    std::vector<queue::LogEntry> entries_;
    std::vector<News> news_;
    std::set<std::uint32_t> skipped_recipients_;
    std::size_t open_ = 0;
    bool skipped_ = false;
    bool has_success_ = false;
};

}  // namespace holdfast::qmgr
