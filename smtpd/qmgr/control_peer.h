// The channel from control: submissions of local users, the files of drop/ made into submissions,
// and the queue as people see it. control vouches for who submits, and for nothing else: what needs
// privilege is judged by the client's own socket.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "smtpd/links/control_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/client_rights.h"
#include "smtpd/qmgr/intake.h"

namespace holdfast::qmgr {

class ControlPeer {
  public:
    // Messages of one page of a list: its answer fits into a frame whatever their recipients.
    static constexpr std::size_t page = 64;
    // So long a question about the queue waits until this process knows the queue: an older
    // generation may be about to let go of it.
    static constexpr Duration patience = std::chrono::seconds(10);
    static constexpr std::size_t max_waiting = 1000;

    // `on_end` is called once and destroys this; with what was wrong, where it broke the protocol.
    using OnEnd = std::function<void(std::optional<Breach>)>;
    ControlPeer(Reception& reception, Instance instance, UniqueFd channel, OnEnd on_end);

    std::size_t open() const { return intake_.open(); }
    // What waits for it can be answered.
    void queue_known();
    void send(links::QmgrToControl message) { channel_.send(std::move(message)); }

    void on(links::Begin&& message) { take(std::move(message)); }
    void on(links::Recipients&& message) { take(std::move(message)); }
    void on(links::Chunk&& message) { take(std::move(message)); }
    void on(links::End&& message) { take(std::move(message)); }
    void on(links::Abort&& message) { take(std::move(message)); }
    void on(links::DropBad&& message);
    void on(links::CountsQuery&& query);
    void on(links::ListQuery&& query) { answer_later(std::move(query)); }
    void on(links::ShowQuery&& query);
    void on(links::RemoveQuery&& query) { answer_later(std::move(query)); }
    void on(links::FlushQuery&& query) { answer_later(std::move(query)); }
    void on_end(ChannelEnd how) { end(breach_of(how)); }

  private:
    struct Removal;
    using Question = std::variant<links::ListQuery, links::RemoveQuery, links::FlushQuery>;
    struct Waiting {
        MonoTime since;
        Question question;
    };

    void answer_later(Question question);
    void answer_now(Question question);
    void look_at_waiting();
    void answer_to(links::ListQuery&& query);
    void answer_to(links::RemoveQuery&& query);
    void answer_to(links::FlushQuery&& query);
    template <class Message>
    void take(Message&& message) {
        if (auto breach = intake_.on(std::forward<Message>(message))) end(std::move(breach));
    }
    void end(std::optional<Breach> breach) {
        const OnEnd tell = on_end_;
        tell(std::move(breach));
    }

    void counted(std::uint64_t request, std::uint64_t quarantined);
    void answer(links::ListItems list);
    std::int64_t next_attempt(const MessageIndex::Entry& entry) const;
    bool flushed_lately(const UniqueFd& client);
    bool refused(std::uint64_t request, const UniqueFd& client);
    void finish(std::uint64_t request, int status, std::string text);
    void finish(std::uint64_t request, const std::vector<MessageId>& missing);

    Reception& reception_;
    Surroundings& house_;
    Deliveries& deliveries_;
    DropPickup* pickup_;
    Instance instance_;
    OnEnd on_end_;
    Channel<links::QmgrToControl, links::ControlToQmgr> channel_;
    Intake intake_;
    std::deque<Waiting> waiting_;
    Timer timer_;
    Life life_;
};

}  // namespace holdfast::qmgr
