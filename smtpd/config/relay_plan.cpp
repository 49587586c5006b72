#include "smtpd/config/relay_plan.h"

#include <algorithm>
#include <optional>
#include <string>

#include "smtpd/base/paths.h"
#include "smtpd/config/relays.h"

namespace holdfast::config {

namespace {

// Paths, each once, by the numbers that stand for them.
class Files {
  public:
    std::uint32_t number(const std::string& path) {
        const auto known = std::ranges::find(paths_, path);
        if (known == paths_.end()) paths_.push_back(path);
        return static_cast<std::uint32_t>(std::ranges::find(paths_, path) - paths_.begin());
    }

    const std::vector<std::string>& paths() const { return paths_; }

  private:
    // In the order of the constants in links/snapshots.h.
    std::vector<std::string> paths_{paths::resolv_conf, paths::hosts, paths::trusted};
};

links::RelayPlan plan_one(const Relay& relay, Files& files) {
    links::RelayPlan plan = relay.plan;
    plan.name = relay.name.value;
    plan.place = relay.name.place.text();
    if (relay.secret) plan.secret_file = files.number(relay.secret->value);
    if (relay.ca) plan.ca_file = files.number(relay.ca->value);
    return plan;
}

}  // namespace

links::RelaySnapshot plan_relay(const Settings& settings, const Names& names) {
    links::RelaySnapshot snapshot;
    if (settings.relays.empty()) return snapshot;
    Files files;
    for (const Relay& relay : settings.relays) snapshot.relays.push_back(plan_one(relay, files));
    snapshot.hostname = names.hostname;
    snapshot.files = files.paths();
    if (settings.rewrite_from) snapshot.rewrite.from = settings.rewrite_from->value;
    if (settings.masquerade) snapshot.rewrite.masquerade = settings.masquerade->value;
    snapshot.rewrite.local_domains = local_domains(settings, names);
    return snapshot;
}

std::vector<links::RelayLabel> relay_labels(const Settings& settings) {
    std::vector<links::RelayLabel> labels;
    labels.reserve(settings.relays.size());
    for (const Relay& relay : settings.relays) {
        labels.push_back({relay.name.value, relay.name.place.text(), describe(relay),
                          relay.plan.max_connections});
    }
    return labels;
}

}  // namespace holdfast::config
