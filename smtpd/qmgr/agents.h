// Everyone's agents: who waits for one, who has one, and for how long. At most one for a user, at
// most so many in all; a user whose mailbox hangs keeps his own slot and delays nobody else's mail
// for longer than a turn.
//
// An agent is its user's process, who may stop it: the parent is told of each that is let go, and
// ends those that don't.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "smtpd/links/parent_qmgr.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/agent.h"
#include "smtpd/qmgr/line.h"

namespace holdfast::qmgr {

class Agents {
  public:
    static constexpr Duration linger = std::chrono::milliseconds(1500);  // of one without work
    static constexpr Duration turn = std::chrono::seconds(5);      // while others wait for a slot
    static constexpr Duration silence = std::chrono::minutes(10);  // then it is given up
    static constexpr Duration silence_in_turn = std::chrono::minutes(1);  // where others wait
    static constexpr Duration patience = std::chrono::seconds(60);  // likewise, before it stands

    struct Callbacks {
        std::function<void(links::SpawnMda)> spawn;
        std::function<void(links::AbandonMda)> abandon;
        std::function<void(MessageId)> unpark;  // there is room for it
    };

    Agents(Loop& loop, Spool& spool, std::size_t max_agents, Callbacks callbacks);
    ~Agents();

    // Of a user's line (line.h).
    bool has_room(const std::string& user, std::size_t weight) const;
    void deliver(MailboxJob job);
    void park(const std::string& user, const MessageId& message, std::size_t weight);

    // Others wait for messages that agents have in hand, as they wait for a slot.
    void press(bool others_wait) { pressed_ = others_wait; }

    // Of the parent.
    void on(links::MdaSpawned&& spawned);
    void on(links::MdaRefused&& refused);

    // Deliveries that have not ended.
    std::size_t open_jobs() const { return open_jobs_; }
    // Nothing more is begun: what waits ends as `drained`, what agents have is finished.
    void drain();

  private:
    enum class State : std::uint8_t { resting, in_line, spawning, standing };
    struct Post;

    Post& post(const std::string& user);
    Post* post_that_asked(std::uint64_t request);
    void pump(Post& post);
    void join_line(Post& post);
    void serve_line();
    bool make_room();
    void spawn(Post& post);
    void feed(Post& post);
    void dismiss(Post& post);
    void withdraw(Post& post);
    void unpark(Post& post, std::size_t count);
    void end_waiting(Post& post, JobEnd end, const std::string& why);
    void patrol();
    void look_at(Post& post);

    Loop& loop_;
    Spool& spool_;
    std::size_t max_agents_;
    Callbacks callbacks_;
    std::map<std::string, Post> posts_;
    std::deque<std::string> line_;  // users who wait for a slot
    MonoTime paused_until_{};       // the parent had no agent to give
    std::uint64_t last_request_ = 0;
    std::size_t slots_taken_ = 0;
    std::size_t open_jobs_ = 0;
    bool draining_ = false;
    bool pressed_ = false;
    Timer patrol_;
};

}  // namespace holdfast::qmgr
