// Everyone's agents: who waits for one, who has one, and for how long. At most one for a user, at
// most so many in all; a user whose mailbox hangs keeps his own slot and delays nobody else's mail
// for longer than a turn.
//
// Deliveries wait in memory in bounded number; beyond it a message is only remembered ("parked")
// and called for again when its user's line has grown short.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "smtpd/links/parent_qmgr.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/agent.h"

namespace holdfast::qmgr {

class Agents {
  public:
    struct Limits {
        std::size_t agents = 20;
        std::size_t waiting = 4000;    // deliveries in all
        std::size_t long_line = 1000;  // of one user, while there is plenty of room
        std::size_t short_line = 50;   // of one user, when half of `waiting` is taken
        Duration linger = std::chrono::milliseconds(1500);  // of an agent without work
        Duration turn = std::chrono::seconds(5);            // while others wait for a slot
        Duration silence = std::chrono::minutes(10);        // then it is given up
        Duration spawn = std::chrono::seconds(60);          // likewise, before it stands
    };

    struct Callbacks {
        std::function<void(links::SpawnMda)> spawn;
        std::function<void(MessageId)> unpark;  // there is room for it
    };

    Agents(Loop& loop, Spool& spool, Limits limits, Callbacks callbacks);
    ~Agents();

    // False: there is no room, the message is to be parked.
    bool has_room(const std::string& user) const;
    void deliver(Job job);
    void park(const std::string& user, const MessageId& id);

    // Of the parent.
    void on(links::MdaSpawned&& spawned);
    void on(links::MdaRefused&& refused);

    // Deliveries that have not ended.
    std::size_t open_jobs() const { return waiting_ + handed_; }
    // Nothing more is begun: what waits ends as `not_begun`, what agents have is finished.
    void drain();

  private:
    enum class Phase : std::uint8_t { resting, in_line, spawning, standing, cooling };
    struct Post;

    Post& post(const std::string& user);
    void pump(Post& post);
    void want_agent(Post& post);
    void spawn(Post& post);
    void feed(Post& post);
    void let_go(Post& post);
    void serve_line();
    void agent_ended(const std::string& user);
    void end_waiting(Post& post, JobEnd end, const std::string& why);
    void timer_fired(const std::string& user);
    void unpark_some();
    void unpark_next();
    void forget_if_idle(const std::string& user);
    std::size_t line_limit() const;

    Loop& loop_;
    Spool& spool_;
    Limits limits_;
    Callbacks callbacks_;
    std::map<std::string, std::unique_ptr<Post>> posts_;
    std::map<std::uint64_t, std::string> spawning_;  // by request
    std::deque<std::string> line_;                   // users who wait for a slot
    std::deque<std::string> parked_users_;
    std::uint64_t last_request_ = 0;
    std::size_t slots_taken_ = 0;
    std::size_t waiting_ = 0;
    std::size_t handed_ = 0;
    bool draining_ = false;
    Timer patrol_;  // tidies up and looks for the silent
    void patrol();
};

}  // namespace holdfast::qmgr
