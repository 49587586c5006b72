#include "smtpd/qmgr/smtpin_peer.h"

namespace holdfast::qmgr {

SmtpinPeer::SmtpinPeer(Reception& reception, UniqueFd channel, OnEnd on_end)
    : house_(reception.house),
      on_end_(std::move(on_end)),
      channel_(house_.loop, std::move(channel), *this),
      intake_(reception, Submitter::stranger, [this](Intake::Answer answer) {
          std::visit([this](auto& one) { channel_.send(std::move(one)); }, answer);
      }) {}

void SmtpinPeer::on(links::RecipientQuery&& query) {
    if (pending_.size() >= max_queries) return end(Breach{"too many questions"});
    auto pending = std::make_shared<Pending>(Pending{query.query, early_answer(query)});
    pending_.push_back(pending);
    if (pending->answer) return answer_in_order();
    house_.users.route(
        [this, query = std::move(query)](const KnownUser& known) {
            return house_.router.route({query.recipient, query.sender}, known);
        },
        [this, pending](const Route& route) {
            pending->answer = answer_for(route);
            answer_in_order();
        },
        life_.token());
}

std::optional<links::Refusal> SmtpinPeer::early_answer(const links::RecipientQuery& query) const {
    if (auto trouble = house_.health.refusal()) return trouble;
    const Router& router = house_.router;
    const auto address = router.parse_recipient(query.recipient);
    if (!address) return links::Refusal{553, "5.1.3", "malformed recipient address"};
    if (router.is_local(*address)) return std::nullopt;
    if (!query.may_relay) return relaying_denied(query.recipient);
    const auto way = router.way_to(*address, query.sender);
    const auto* const outcome = std::get_if<Outcome>(&way);
    if (outcome == nullptr) return links::Refusal{};
    return links::Refusal{550, outcome->enhanced, outcome->text};
}

void SmtpinPeer::answer_in_order() {
    while (!pending_.empty() && pending_.front()->answer) {
        channel_.send(
            links::RecipientReply{pending_.front()->query, std::move(*pending_.front()->answer)});
        pending_.pop_front();
    }
}

}  // namespace holdfast::qmgr
