// A few threads that wait for the database, so that the loop never does and one slow answer does
// not hold up the next. What waits is bounded in number and in time: beyond, the answer is
// Lookup::failed, which means "ask again later". A database that never comes back takes the threads
// with it: then the loop is stopped, and the parent starts the room anew.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "smtpd/base/clock.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"
#include "smtpd/users/database.h"

namespace holdfast::users {

class Pool {
  public:
    struct Limits {
        std::uint32_t threads = 4;
        std::size_t waiting = 1000;
        Duration patience = std::chrono::seconds(20);
        Duration silence = std::chrono::minutes(5);  // of all threads, each with a question
    };
    // Called on the loop's thread, once for each query. The reply has no request number.
    using Answer = std::function<void(links::UserReply)>;

    Pool(Loop& loop, Database database, Limits limits);
    ~Pool();  // abandons what is under way: a thread inside the database can't be called back
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void ask(Query query, Answer answer);

    // Queries that have no answer yet.
    std::size_t pending() const { return pending_.size(); }

  private:
    struct Shared;
    struct Pending {
        MonoTime deadline;
        Answer answer;
    };

    void answered(std::uint64_t ticket, links::UserReply reply);
    void finish(std::uint64_t ticket, links::UserReply reply);
    void give_up_if_silent();
    void expire();
    void set_timer();

    Loop& loop_;
    Limits limits_;
    std::shared_ptr<Shared> shared_;            // with the threads
    std::map<std::uint64_t, Pending> pending_;  // oldest first
    std::uint64_t last_ticket_ = 0;
    std::size_t out_ = 0;  // queries that the threads have, begun or not
    MonoTime heard_{};     // when a thread last answered, or got the only query
    Timer timer_;
};

}  // namespace holdfast::users
