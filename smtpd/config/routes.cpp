#include "smtpd/config/routes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "smtpd/base/suggest.h"
#include "smtpd/config/pattern.h"
#include "smtpd/config/relays.h"
#include "smtpd/config/url.h"

namespace holdfast::config {

namespace {

using links::RouteBy;
using links::RoutePlan;

constexpr std::size_t max_routes = 1000;
constexpr std::size_t max_names_shown = 10;

void add_route(Reading& words, Route route, Settings& settings) {
    if (settings.routes.size() < max_routes) return settings.routes.push_back(std::move(route));
    words.report({route.place.column, route.place.length, "too many route statements",
                  "at most " + std::to_string(max_routes)});
}

// "via" and what follows.
void read_via(Reading& words, Route route, Settings& settings) {
    if (!words.require("via")) return;
    const std::vector<Word> relays = words.list("the relay");
    for (const Word& relay : relays) {
        if (!looks_like_url(relay.text)) {
            route.via.push_back(words.placed(relay));
        } else if (relays.size() > 1) {
            words.refuse(relay, "a URL beside other relays",
                         "names of relay statements, or one URL alone");
        } else if (auto name = read_unnamed_relay(words, relay, settings)) {
            route.via.push_back(std::move(*name));
        }
    }
    add_route(words, std::move(route), settings);
}

void read_pattern(Reading& words, RouteBy by, Settings& settings) {
    const Word* const word = words.word("the pattern");
    if (word == nullptr) return;
    Route route;
    route.place = words.place(*word);
    route.plan.by = by;
    auto pattern = parse_pattern(*word);
    if (pattern) {
        route.plan.match = pattern->match;
        route.plan.pattern = std::move(pattern->text);
    } else {
        words.report(std::move(pattern.error()));
    }
    read_via(words, std::move(route), settings);
}

// Which earlier route leaves nothing for a later one.
class Shadows {
  public:
    // The place of the one that does; null where the route has something to do. Remembers it.
    const Place* add(const Route& route) {
        if (all_ != nullptr) return all_;
        if (route.plan.by == RouteBy::all) {
            all_ = &route.place;
            return nullptr;
        }
        const Pattern pattern{route.plan.match, route.plan.pattern};
        for (const Pattern& wider : wider_patterns(pattern)) {
            const auto earlier = first_.find({route.plan.by, wider});
            if (earlier != first_.end()) return earlier->second;
        }
        first_.emplace(std::pair(route.plan.by, pattern), &route.place);
        return nullptr;
    }

  private:
    std::map<std::pair<RouteBy, Pattern>, const Place*> first_;
    const Place* all_ = nullptr;
};

class RoutePlanner {
  public:
    explicit RoutePlanner(const Settings& settings) : settings_(settings) {
        for (std::size_t i = 0; i < settings.relays.size(); ++i) {
            const Relay& relay = settings.relays[i];
            numbers_.emplace(relay.name.value, static_cast<std::uint32_t>(i));
            if (relay.is_named) named_.push_back(&relay);
        }
    }

    Checked<std::vector<RoutePlan>> result() {
        for (const Route& route : settings_.routes) add(route);
        if (!settings_.seen.contains("route all")) choose_way_for_the_rest();
        return {std::move(routes_), std::move(diagnostics_)};
    }

  private:
    void add(const Route& route) {
        RoutePlan plan = route.plan;
        plan.place = route.place.text();
        for (const Placed& name : route.via) add_relay(name, plan);
        if (plan.by != RouteBy::all && plan.pattern.empty()) return;  // has been reported
        if (const Place* const shadow = shadows_.add(route)) {
            diagnostics_.warn(route.place, "this route can never match",
                              "the one in " + shadow->text() +
                                  " takes all of it: put this line in front of that, or leave it "
                                  "out");
        }
        routes_.push_back(std::move(plan));
    }

    void add_relay(const Placed& name, RoutePlan& plan) {
        const auto found = numbers_.find(name.value);
        if (found == numbers_.end()) return report_unknown(name);
        if (std::ranges::find(plan.relays, found->second) == plan.relays.end()) {
            return plan.relays.push_back(found->second);
        }
        diagnostics_.error(name.place, in_quotes(name.value) + " is named twice",
                           "each relay of a route is tried once: leave one of them out");
    }

    void report_unknown(const Placed& name) {
        if (settings_.garbled.contains("relay")) return;
        if (!diagnostics_.keeps(Severity::error)) return diagnostics_.add({});
        std::vector<std::string_view> names;
        names.reserve(named_.size());
        for (const Relay* relay : named_) names.push_back(relay->name.value);
        const bool shown = !names.empty() && names.size() <= max_names_shown;
        const std::string or_url = shown ? ", or a URL" : "the name of a relay statement, or a URL";
        diagnostics_.add({.place = name.place,
                          .message = "unknown relay " + in_quotes(name.value),
                          .expected = (shown ? alternatives(names) : "") + or_url,
                          .suggestion = suggest(name.value, names)});
    }

    // Where no statement says it.
    void choose_way_for_the_rest() {
        if (named_.size() == 1) {
            const Placed& name = named_.front()->name;
            RoutePlan rest;
            rest.place = name.place.text();
            rest.relays.push_back(numbers_.at(name.value));
            routes_.push_back(std::move(rest));
        } else if (named_.size() > 1 && !settings_.garbled.contains("route")) {
            std::string names;
            for (const Relay* relay : named_) {
                names.append(names.empty() ? "" : ", ").append(relay->name.value);
            }
            diagnostics_.error(
                named_[1]->name.place,
                std::to_string(named_.size()) + " relays and no \"route all\"",
                "say which one takes what no other route does: route all via " + names);
        }
    }

    const Settings& settings_;
    std::map<std::string_view, std::uint32_t> numbers_;
    std::vector<const Relay*> named_;
    Shadows shadows_;
    std::vector<RoutePlan> routes_;
    Diagnostics diagnostics_;
};

}  // namespace

void read_route_all(Reading& words, Settings& settings) {
    Route route;
    route.place = words.taken().place;
    read_via(words, std::move(route), settings);
}

void read_route_sender(Reading& words, Settings& settings) {
    read_pattern(words, RouteBy::sender, settings);
}

void read_route_to(Reading& words, Settings& settings) {
    read_pattern(words, RouteBy::recipient, settings);
}

Checked<std::vector<links::RoutePlan>> plan_routes(const Settings& settings) {
    return RoutePlanner(settings).result();
}

Diagnostics unused_relays(const Settings& settings, const std::vector<links::RoutePlan>& routes) {
    std::vector<bool> used(settings.relays.size());
    for (const RoutePlan& route : routes) {
        for (const std::uint32_t relay : route.relays) used.at(relay) = true;
    }
    Diagnostics diagnostics;
    for (std::size_t i = 0; i < used.size(); ++i) {
        const Placed& name = settings.relays[i].name;
        if (used[i]) continue;
        diagnostics.warn(name.place, "no route leads to the relay " + in_quotes(name.value),
                         "name it behind \"via\" in a route statement, or leave it out");
    }
    return diagnostics;
}

}  // namespace holdfast::config
