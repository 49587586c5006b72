#include "smtpd/qmgr/round_news.h"

namespace holdfast::qmgr {

void RoundNews::add(std::string_view mailbox, Item item) {
    const Outcome& outcome = item.outcome;
    const std::size_t known = counts_[Group(mailbox, outcome.verdict, outcome.enhanced)]++;
    if (known < max_single) items_.push_back(std::move(item));
}

std::vector<RoundNews::Rest> RoundNews::take_rest() {
    std::vector<Rest> result;
    for (const auto& [group, count] : std::exchange(counts_, {})) {
        if (count <= max_single) continue;
        const auto& [mailbox, verdict, status] = group;
        result.push_back({mailbox, verdict, status, count - max_single});
    }
    return result;
}

}  // namespace holdfast::qmgr
