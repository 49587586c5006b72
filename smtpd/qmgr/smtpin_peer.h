// The channel from smtpin, which talks to strangers: it asks about recipients and hands messages
// in. It may have been taken over, so all it says is checked again.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/intake.h"

namespace holdfast::qmgr {

class SmtpinPeer {
  public:
    static constexpr std::size_t max_queries = 16 * 1024;  // unanswered

    // `on_end` is called once and destroys this; with what was wrong, where it broke the protocol.
    using OnEnd = std::function<void(std::optional<Breach>)>;
    SmtpinPeer(Reception& reception, UniqueFd channel, OnEnd on_end);

    std::size_t open() const { return intake_.open(); }

    void on(links::RecipientQuery&& query);
    void on(links::Begin&& message) { take(std::move(message)); }
    void on(links::Recipients&& message) { take(std::move(message)); }
    void on(links::Chunk&& message) { take(std::move(message)); }
    void on(links::End&& message) { take(std::move(message)); }
    void on(links::Abort&& message) { take(std::move(message)); }
    void on_end(ChannelEnd how) { end(breach_of(how)); }

  private:
    struct Pending {
        std::uint64_t query = 0;
        std::optional<links::Refusal> answer;
    };

    template <class Message>
    void take(Message&& message) {
        if (auto breach = intake_.on(std::forward<Message>(message))) end(std::move(breach));
    }
    void end(std::optional<Breach> breach) {
        const OnEnd tell = on_end_;
        tell(std::move(breach));
    }
    std::optional<links::Refusal> early_answer(const links::RecipientQuery& query) const;
    void answer_in_order();

    Surroundings& house_;
    OnEnd on_end_;
    Channel<links::QmgrToSmtpin, links::SmtpinToQmgr> channel_;
    Intake intake_;
    std::deque<std::shared_ptr<Pending>> pending_;
    Life life_;
};

}  // namespace holdfast::qmgr
