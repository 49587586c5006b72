#include "smtpd/qmgr/smtpin_peer.h"

namespace holdfast::qmgr {

SmtpinPeer::SmtpinPeer(Reception& house, UserDirectory& users, UniqueFd channel, OnEnd on_end)
    : house_(house),
      users_(users),
      on_end_(std::move(on_end)),
      channel_(house.loop, std::move(channel), *this),
      intake_(house, Submitter::stranger,
              {[this](links::Credit message) { channel_.send(message); },
               [this](links::Committed message) { channel_.send(message); },
               [this](links::Rejected message) { channel_.send(std::move(message)); },
               {},
               {}}) {}

void SmtpinPeer::on(links::RecipientQuery&& query) {
    if (pending_.size() >= max_queries) return end(Breach{"too many questions"});
    auto pending = std::make_shared<Pending>(Pending{query.query, early_answer(query)});
    pending_.push_back(pending);
    if (pending->answer) return answer_in_order();
    const auto attempt = [this, recipient = query.recipient](const KnownUser& known) {
        return house_.router.route(recipient, known);
    };
    users_.route(
        attempt,
        [this, pending](const Route& route) {
            pending->answer = answer_for(route);
            answer_in_order();
        },
        alive_);
}

std::optional<links::Refusal> SmtpinPeer::early_answer(const links::RecipientQuery& query) const {
    if (auto trouble = house_.health.refusal()) return trouble;
    const auto address = house_.router.parse_recipient(query.recipient);
    if (!address) return links::Refusal{553, "5.1.3", "malformed recipient address"};
    if (!house_.router.is_local(*address)) return relaying_denied(query.recipient);
    return std::nullopt;
}

void SmtpinPeer::answer_in_order() {
    while (!pending_.empty() && pending_.front()->answer) {
        channel_.send(
            links::RecipientReply{pending_.front()->query, std::move(*pending_.front()->answer)});
        pending_.pop_front();
    }
}

void SmtpinPeer::end(std::optional<Breach> breach) {
    const auto on_end = on_end_;
    on_end(std::move(breach));
}

void SmtpinPeer::on_end(ChannelEnd how) {
    end(how == ChannelEnd::malformed ? std::optional(Breach{"a malformed message"}) : std::nullopt);
}

}  // namespace holdfast::qmgr
