// The real room `control` on a real listening socket, among peers that a test plays: everything
// runs on one loop, which the test turns until what it waits for has happened.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/control/room.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

// A clock that a test moves.
class TestClock final : public Clock {
  public:
    MonoTime mono() const override { return real_clock().mono() + ahead; }
    WallTime wall() const override { return real_clock().wall(); }
    Duration ahead{};
};

// One end of a link that a test holds: keeps what comes.
template <class Out, class In>
class TestPeer {
  public:
    TestPeer(Loop& loop, UniqueFd socket)
        : channel_(std::in_place, loop, std::move(socket), *this) {}

    void send(Out message) { channel_->send(std::move(message)); }
    // Answers each message as it comes.
    void answer_with(std::function<void(const In&)> answer) { answer_ = std::move(answer); }
    void hang_up() { channel_.reset(); }
    void want_read(bool wanted) { channel_->want_read(wanted); }
    int socket() const { return channel_->socket(); }

    bool ended() const { return ended_; }
    template <class Message>
    std::vector<const Message*> all() const {
        std::vector<const Message*> result;
        for (const In& message : got_) {
            if (const auto* one = std::get_if<Message>(&message)) result.push_back(one);
        }
        return result;
    }
    template <class Message>
    const Message* first() const {
        const auto found = all<Message>();
        return found.empty() ? nullptr : found.front();
    }

    template <class Message>
    void on(Message&& message) {
        got_.emplace_back(std::forward<Message>(message));
        if (answer_) answer_(got_.back());
    }
    void on_end(ChannelEnd) { ended_ = true; }

  private:
    std::vector<In> got_;
    std::function<void(const In&)> answer_;
    bool ended_ = false;
    std::optional<Channel<Out, In>> channel_;
};

using TestParent = TestPeer<links::ParentToControl, links::ControlToParent>;
using TestQmgr = TestPeer<links::QmgrToControl, links::ControlToQmgr>;
using TestUsers = TestPeer<links::FromUsers, links::ToUsers>;
using TestClient = TestPeer<links::ClientToControl, links::ControlToClient>;

class RoomUnderTest {
  public:
    explicit RoomUnderTest(control::Clients::Limits limits = {}, const Clock& clock = real_clock());
    ~RoomUnderTest();

    // Turns the loop until `done`, for half a minute at most; false where it did not happen.
    bool until(const std::function<bool()>& done);

    // New peers, which the room is told of: qmgr commits everything, users knows everybody.
    void start_qmgr();
    void start_users();

    // A connection to the control socket.
    std::unique_ptr<TestClient> connect();
    UniqueFd connect_raw() const;

    // Runs to the room's own end; its exit status.
    int run() { return loop.run(); }

    Loop loop;
    std::unique_ptr<TestParent> parent;
    std::unique_ptr<TestQmgr> qmgr;
    std::unique_ptr<TestUsers> users;
    std::unique_ptr<control::Room> room;

  private:
    template <class Peer>
    std::unique_ptr<Peer> introduce(links::Room who);

    std::string folder_;
    Timer tick_;
};

// A pair of connected sockets of the kind that rooms talk over.
std::pair<UniqueFd, UniqueFd> packet_sockets();

// The messages of a submission by a client that does all as it should.
std::vector<links::ClientToControl> submission_of(const std::string& message,
                                                  const std::vector<std::string>& recipients = {
                                                      "bob"});

}  // namespace holdfast
