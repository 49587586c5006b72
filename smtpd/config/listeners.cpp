#include "smtpd/config/listeners.h"

#include <algorithm>

#include "smtpd/config/endpoint.h"

namespace holdfast::config {

namespace {

using links::ListenPlan;

bool overlap(const Listen& one, const Listen& other) {
    return std::ranges::any_of(one.endpoints, [&](const ListenPlan& endpoint) {
        return std::ranges::any_of(other.endpoints, [&](const ListenPlan& second) {
            return covers(endpoint, second) || covers(second, endpoint);
        });
    });
}

// "no TLS", "starttls"
std::string tls_of(const Listen& listen) {
    return listen.tls.value.empty() ? "no TLS" : listen.tls.value;
}

void report_overlap(const Listen& earlier, const Listen& later, Diagnostics& diagnostics) {
    const std::string message = in_quotes(later.word.value) + " overlaps with " +
                                in_quotes(earlier.word.value) + " in " + earlier.word.place.text();
    const bool same_tls = later.tls.value == earlier.tls.value;
    if (same_tls && later.networks == earlier.networks) {
        return diagnostics.warn(later.word.place, message,
                                "merged: each address is listened on once");
    }
    diagnostics.error(
        later.word.place,
        message + (same_tls
                       ? ", and takes mail for others from other networks than that"
                       : ", and wants " + tls_of(later) + " where that wants " + tls_of(earlier)),
        "one address can't have both: give both lines the same, or keep one");
}

Diagnostics overlaps(const std::vector<Listen>& listens) {
    Diagnostics diagnostics;
    for (auto later = listens.begin(); later != listens.end(); ++later) {
        for (auto earlier = listens.begin(); earlier != later; ++earlier) {
            if (overlap(*earlier, *later)) report_overlap(*earlier, *later, diagnostics);
        }
    }
    return diagnostics;
}

// Whether another socket makes the one at `index` needless: a wider one, or an equal earlier one.
bool is_served_by_another(const std::vector<ListenPlan>& all, std::size_t index) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == index || !covers(all[i], all[index])) continue;
        if (i < index || !covers(all[index], all[i])) return true;
    }
    return false;
}

// A socket that stands for one which must be there must be there itself.
bool may_be_missing(const std::vector<ListenPlan>& all, const ListenPlan& endpoint) {
    return std::ranges::all_of(all, [&](const ListenPlan& other) {
        return other.if_available || !covers(endpoint, other);
    });
}

}  // namespace

Checked<std::vector<ListenPlan>> plan_listeners(const std::vector<Listen>& listens) {
    std::vector<ListenPlan> all;
    for (const Listen& listen : listens) {
        for (ListenPlan endpoint : listen.endpoints) {
            endpoint.place = listen.word.place.text();
            all.push_back(std::move(endpoint));
        }
    }
    std::vector<ListenPlan> plan;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (is_served_by_another(all, i)) continue;
        plan.push_back(all[i]);
        plan.back().if_available = may_be_missing(all, all[i]);
    }
    return {std::move(plan), overlaps(listens)};
}

std::vector<links::RelayRight> relay_rights(const std::vector<Listen>& listens,
                                            const std::vector<ListenPlan>& listeners) {
    std::vector<links::RelayRight> rights;
    for (const ListenPlan& listener : listeners) {
        const auto listen = std::ranges::find_if(listens, [&](const Listen& candidate) {
            return std::ranges::find(candidate.endpoints, listener.text, &ListenPlan::text) !=
                   candidate.endpoints.end();
        });
        if (listen == listens.end() || listen->networks.empty()) continue;
        rights.push_back({listener.text, listen->networks});
    }
    return rights;
}

}  // namespace holdfast::config
