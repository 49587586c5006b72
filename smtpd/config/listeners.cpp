#include "smtpd/config/listeners.h"

#include <algorithm>
#include <string>

namespace holdfast::config {

namespace {

bool any_covers(const std::vector<Endpoint>& endpoints, const Endpoint& other) {
    return std::ranges::any_of(endpoints, [&](const Endpoint& one) { return one.covers(other); });
}

bool covers(const Listen& one, const Listen& other) {
    return std::ranges::all_of(other.endpoints, [&](const Endpoint& endpoint) {
        return any_covers(one.endpoints, endpoint);
    });
}

bool overlap(const Listen& one, const Listen& other) {
    return std::ranges::any_of(one.endpoints, [&](const Endpoint& endpoint) {
        return any_covers(other.endpoints, endpoint) ||
               std::ranges::any_of(other.endpoints,
                                   [&](const Endpoint& second) { return endpoint.covers(second); });
    });
}

Diagnostic merged(const Listen& at, const Listen& with, std::string_view how) {
    return {.severity = Severity::warning,
            .place = at.word.place,
            .message = in_quotes(at.word.value) + std::string(how) + in_quotes(with.word.value) +
                       " in " + with.word.place.text(),
            .notes = {how == " overlaps with " ? "merged: each address is listened on once"
                                               : "merged: this line can go"}};
}

// The warning stands at the line that could go; between equals, at the later one.
Diagnostic overlap_warning(const Listen& first, const Listen& second) {
    if (covers(first, second)) return merged(second, first, " is already covered by ");
    if (covers(second, first)) return merged(first, second, " is already covered by ");
    return merged(second, first, " overlaps with ");
}

Diagnostics overlap_warnings(const std::vector<Listen>& listens) {
    Diagnostics warnings;
    for (std::size_t i = 0; i < listens.size(); ++i) {
        for (std::size_t j = i + 1; j < listens.size(); ++j) {
            if (!overlap(listens[i], listens[j])) continue;
            warnings.add(overlap_warning(listens[i], listens[j]));
        }
    }
    return warnings;
}

struct Candidate {
    Endpoint endpoint;
    std::string place;
};

std::vector<Candidate> candidates(const std::vector<Listen>& listens) {
    std::vector<Candidate> all;
    for (const Listen& listen : listens) {
        for (const Endpoint& endpoint : listen.endpoints) {
            all.push_back({endpoint, listen.word.place.text()});
        }
    }
    return all;
}

// Whether another socket makes the one at `index` needless: a wider one, or an equal earlier one.
bool is_served_by_another(const std::vector<Candidate>& all, std::size_t index) {
    const Endpoint& endpoint = all[index].endpoint;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == index || !all[i].endpoint.covers(endpoint)) continue;
        if (i < index || !endpoint.covers(all[i].endpoint)) return true;
    }
    return false;
}

// A socket that stands for one which must be there must be there itself.
bool may_be_missing(const std::vector<Candidate>& all, const Endpoint& endpoint) {
    return std::ranges::all_of(all, [&](const Candidate& other) {
        return other.endpoint.if_available || !endpoint.covers(other.endpoint);
    });
}

}  // namespace

Checked<std::vector<links::ListenPlan>> plan_listeners(const std::vector<Listen>& listens) {
    const std::vector<Candidate> all = candidates(listens);
    std::vector<links::ListenPlan> plan;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (is_served_by_another(all, i)) continue;
        const Endpoint& endpoint = all[i].endpoint;
        plan.push_back({endpoint.text(), all[i].place, endpoint.address, endpoint.ipv6,
                        endpoint.port, may_be_missing(all, endpoint)});
    }
    return {std::move(plan), overlap_warnings(listens)};
}

}  // namespace holdfast::config
