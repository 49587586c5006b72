// The room with everybody around it played by the test: parent, smtpin, control, users and agents,
// over real channels in one process, on a spool of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/room.h"
#include "tests/catch.h"

namespace holdfast::qmgr {

// Real time, moved ahead or back at will. Timers of the loop stay on real time.
class MovedClock final : public Clock {
  public:
    MonoTime mono() const override { return real_clock().mono() + mono_shift; }
    WallTime wall() const override { return real_clock().wall() + wall_shift; }
    Duration mono_shift{};
    std::chrono::milliseconds wall_shift{};
};

struct Delivered {
    links::Deliver deliver;
    std::string user;
    std::string body;
};

class House;

// An agent. What it does with a whole message is the house's `verdict`.
class FakeAgent {
  public:
    FakeAgent(House& house, std::string user, UniqueFd channel);
    void on(links::Deliver&& deliver);
    void on(links::Bytes&& bytes);
    void on_end(ChannelEnd) { ended = true; }
    void report(std::uint64_t job, Outcome outcome) { channel->send(links::Report{job, outcome}); }

    std::string user;
    bool ended = false;
    std::map<std::uint64_t, Delivered> jobs;
    std::unique_ptr<Channel<links::MdaToQmgr, links::QmgrToMda>> channel;

  private:
    void finish(std::uint64_t job);
    House& house_;
};

struct FakeSmtpin {
    void on(links::RecipientReply&& message) { replies.push_back(message); }
    void on(links::Credit&& message) { credit += message.bytes; }
    void on(links::Committed&& message) { committed.insert(message.transaction); }
    void on(links::Rejected&& message) { rejected[message.transaction] = message.refusal; }
    void on_end(ChannelEnd) { ended = true; }
    std::vector<links::RecipientReply> replies;
    std::uint64_t credit = 0;
    std::set<std::uint64_t> committed;
    std::map<std::uint64_t, links::Refusal> rejected;
    bool ended = false;
    std::unique_ptr<Channel<links::SmtpinToQmgr, links::QmgrToSmtpin>> channel;
};

struct FakeControl {
    void on(links::Credit&& message) { credit += message.bytes; }
    void on(links::Committed&& message) { committed.insert(message.transaction); }
    void on(links::Rejected&& message) { rejected[message.transaction] = message.refusal; }
    void on(links::DropBegin&& message);
    void on(links::CountsReply&& message) { counts = message.counts; }
    void on(links::ListItems&& message) { lists.push_back(std::move(message)); }
    void on(links::Text&& message) { texts.push_back(std::move(message)); }
    void on(links::Finished&& message) { finished.push_back(std::move(message)); }
    void on_end(ChannelEnd) { ended = true; }
    struct DropSeen {
        std::uint32_t uid = 0;
        std::string bytes;
    };
    std::uint64_t credit = 0;
    std::set<std::uint64_t> committed;
    std::map<std::uint64_t, links::Refusal> rejected;
    std::map<std::uint64_t, DropSeen> drops;
    std::optional<links::QueueCounts> counts;
    std::vector<links::ListItems> lists;
    std::vector<links::Text> texts;
    std::vector<links::Finished> finished;
    bool ended = false;
    std::unique_ptr<Channel<links::ControlToQmgr, links::QmgrToControl>> channel;
};

struct FakeUsers {
    void on(links::NameQuery&& query);
    void on(links::UidQuery&&) {}
    void on_end(ChannelEnd) {}
    std::set<std::string> names{"alice", "bob", "carol"};
    bool silent = false;
    unsigned queries = 0;
    std::unique_ptr<Channel<links::FromUsers, links::ToUsers>> channel;
};

// Relay: takes each body whole, then says what the house's `relay_verdict` says.
class FakeRelay {
  public:
    struct Job {
        links::Send send;
        std::string body;
    };
    explicit FakeRelay(House& house) : house_(house) {}
    void on(links::Send&& send);
    void on(links::BodyBytes&& bytes);
    void on(links::Withdraw&& message) { withdrawn.push_back(message.job); }
    void on_end(ChannelEnd) { ended = true; }
    void pull(std::uint64_t job);
    // The end of the message leaves, and all of its recipients get this.
    void answer(std::uint64_t job, const Outcome& outcome);
    void answer(std::uint64_t job, links::Way way, const std::string& why);

    bool ended = false;
    std::map<std::uint64_t, Job> jobs;  // that were not answered
    std::vector<Job> sent;              // that were taken
    std::vector<std::uint64_t> withdrawn;
    std::size_t attempts = 0;
    std::unique_ptr<Channel<links::RelayToQmgr, links::QmgrToRelay>> channel;

  private:
    void whole(std::uint64_t job);
    House& house_;
};

class House {
  public:
    explicit House(queue::FileSystem* fs = nullptr, UniqueFd fake_root = {});
    // A later generation on the same spool: it is not told to schedule, and hears what the older
    // one settles. The older one must live longer.
    explicit House(House& older);
    ~House();

    // Starts the room, as the parent does. May be called again after stop().
    void start();
    // The same, without waiting until it schedules.
    void begin();
    // As a SIGKILL: nothing is finished.
    void kill_room();
    void meet_smtpin();
    void meet_control();
    void meet_users();
    void meet_relay();
    // Everything elsewhere goes through "provider".
    void have_relay(std::uint32_t connections = 20);
    void go();

    // As the parent does when this generation is to take the place of the older one.
    void take_over();
    // The ids that the room said it has in hand.
    std::vector<MessageId> in_hand() const;

    // Turns the loop (and that of the other generation) until it holds; fails after a minute.
    void until(const std::function<bool()>& condition);
    // Lets everything that is under way come to rest.
    void settle();

    // A message from smtpin, or from control (uid 1000), in as many chunks as it needs.
    std::uint64_t send_smtp(const std::vector<std::string>& recipients,
                            const std::string& body = "Subject: x\n\nbody\n");
    std::uint64_t send_local(const std::vector<std::string>& recipients,
                             std::optional<MessageId> id = {},
                             const std::string& body = "x\n\ny\n");
    Envelope smtp_envelope() const;
    Envelope local_envelope() const;
    MessageId new_id() const { return MessageId::generate(clock.wall()); }

    std::vector<std::string> files(const std::string& folder) const;
    std::size_t queued() const { return files("queue").size(); }
    std::vector<Delivered> mailbox(const std::string& user) const;
    void alias(const std::string& name, const std::vector<std::string>& targets);
    void flush();  // as root

    // Of the parent.
    void on(links::Ready&&) { ready = true; }
    void on(links::Malformed&& message) { malformed.push_back(message.sender); }
    void on(links::SpawnMda&& message);
    void on(links::Serving&&) {}
    void on(links::Released&& message) { released.push_back(std::move(message)); }
    void on(links::Settled&& message);
    void on(links::LogLost&&) {}
    void on(links::AbandonMda&& message) { abandoned.push_back(message.request); }
    void on_end(ChannelEnd) {}

    MovedClock clock;
    Loop loop{clock};
    std::string spool;
    links::QmgrSnapshot snapshot;
    bool ready = false;
    std::vector<links::Released> released;
    std::vector<MessageId> settled;
    bool schedules = true;  // it is told so at once
    bool refuse_agents = false;
    bool hold_agents = false;  // SpawnMda is not answered
    std::vector<links::Room> malformed;
    std::vector<links::SpawnMda> spawns;
    std::vector<std::uint64_t> abandoned;
    std::vector<std::unique_ptr<FakeAgent>> agents;
    std::vector<Delivered> delivered;
    // Nothing: the agent says nothing.
    std::function<std::optional<Outcome>(FakeAgent&, const Delivered&)> verdict;
    FakeSmtpin smtpin;
    FakeControl control;
    FakeUsers users;
    std::unique_ptr<FakeRelay> relay;
    // Nothing: relay says nothing.
    std::function<void(FakeRelay&, std::uint64_t job)> relay_verdict;
    std::unique_ptr<Channel<links::ParentToQmgr, links::QmgrToParent>> parent;
    std::unique_ptr<Room> room;

  private:
    void turn(Duration at_most);

    House* older_ = nullptr;
    House* heir_ = nullptr;
    queue::FileSystem* fs_;
    UniqueFd fake_root_;
    links::AliasSnapshot aliases_;
    std::uint64_t last_transaction_ = 0;
};

std::pair<UniqueFd, UniqueFd> socket_pair();

// What is logged while it lives.
class Logged {
  public:
    Logged();
    ~Logged();
    // How often `part` stands in it.
    std::size_t lines(const std::string& part) const;

  private:
    UniqueFd file_;
};

inline const Outcome written{Verdict::delivered, "2.0.0", "written", "maildir"};

}  // namespace holdfast::qmgr
