// What every client and every drop file needs of the room: the ways to its peers, under numbers
// that lead answers back to whoever asked, and the turn among large submissions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "smtpd/control/drop_file.h"
#include "smtpd/links/control_qmgr.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/users_client.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/watch.h"

namespace holdfast::control {

class Intake;
class Request;

class House {
  public:
    using SendToParent = std::function<void(links::ControlToParent&&)>;

    // `snapshot` outlives the house.
    House(Loop& loop, const links::ControlSnapshot& snapshot, SendToParent send_to_parent);

    Loop& loop() { return loop_; }
    const links::ControlSnapshot& snapshot() const { return snapshot_; }

    // Each replaces an earlier channel: that room has gone, even where its end has not been seen.
    void attach_qmgr(UniqueFd channel);
    void attach_users(UniqueFd channel);
    void parent_left();

    bool has_parent() const { return has_parent_; }
    void send_to_parent(links::ControlToParent message) { send_to_parent_(std::move(message)); }
    // Dropped where qmgr is not there.
    void send_to_qmgr(links::ControlToQmgr message);
    bool has_qmgr() const { return qmgr_.has_value(); }
    // More waits for qmgr than should: bring no more bodies.
    bool congested() const;

    // A number for a transaction, under which `users` is asked who submits, too; it is asked again
    // until it has answered. One for a request. Dismissed before the object goes.
    std::uint64_t enlist(Intake& intake);
    std::uint64_t enlist(Request& request);
    void dismiss(std::uint64_t number);

    // Memory that one user could take from all: a submission whose recipients and header are more
    // than Submission::small goes on only while it has the turn, and one has it at a time. Passes
    // it on where it is free: to the user who has had none for longest, however many others wait.
    void pass_large_turn();
    bool has_large_turn(const Intake& intake) const { return large_ == &intake; }

    // A file of drop/ is done; destroys it when this turn of the loop is over.
    void drop_is_over();

    // From qmgr. What nobody waits for any more is nobody's.
    void on(links::Credit&& message);
    void on(links::Committed&& message);
    void on(links::Rejected&& message);
    void on(links::DropBegin&& message);
    void on(links::CountsReply&& message) { answer(std::move(message)); }
    void on(links::ListItems&& message) { answer(std::move(message)); }
    void on(links::Text&& message) { answer(std::move(message)); }
    void on(links::Finished&& message) { answer(std::move(message)); }
    void on_end(ChannelEnd how);
    void on_drained();

    // From the parent, or from qmgr, to a request.
    template <class Message>
    void answer(Message&& message);

  private:
    // The channel to users has its own end.
    struct Users {
        House& house;
        void on(links::UserReply&& reply) { house.on_user(std::move(reply)); }
        void on_end(ChannelEnd how) { house.users_left(how); }
    };

    void on_user(links::UserReply&& reply);
    void users_left(ChannelEnd how);
    void ask_users();
    void report_malformed(links::Room sender);
    Intake* find_intake(std::uint64_t number) const;

    Loop& loop_;
    const links::ControlSnapshot& snapshot_;
    SendToParent send_to_parent_;
    bool has_parent_ = true;
    std::optional<Channel<links::ControlToQmgr, links::QmgrToControl>> qmgr_;
    Users users_end_{*this};
    std::optional<Channel<links::ToUsers, links::FromUsers>> users_;
    Timer ask_again_;
    std::map<std::uint64_t, Intake*> intakes_;  // oldest first
    std::map<std::uint64_t, Request*> requests_;
    std::uint64_t last_number_ = 0;
    Intake* large_ = nullptr;  // has the turn
    std::uint64_t large_turns_ = 0;
    std::map<std::uint32_t, std::uint64_t> last_turn_;  // by uid, while anybody waits
    bool was_congested_ = false;
    std::map<std::uint64_t, std::unique_ptr<DropFile>> drops_;
};

}  // namespace holdfast::control
