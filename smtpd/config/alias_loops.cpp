#include "smtpd/config/alias_loops.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "smtpd/config/quantity.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::size_t max_shown = 6;  // aliases of a loop

// Of "/etc/aliases:12".
Place place_of(const links::Alias& alias) {
    const std::size_t colon = alias.place.rfind(':');
    const auto line = parse_number(std::string_view(alias.place).substr(colon + 1));
    if (colon == std::string::npos || !line) return {.file = alias.place, .source = {}};
    return {.file = alias.place.substr(0, colon),
            .line = static_cast<std::uint32_t>(*line),
            .source = {}};
}

// Follows every alias once, depth first, with a path instead of recursion: a file may chain
// hundreds of thousands of them.
class LoopFinder {
  public:
    LoopFinder(const links::AliasSnapshot& table, std::span<const std::string> local_domains)
        : aliases_(table.aliases),
          local_domains_(local_domains),
          states_(aliases_.size(), State::unseen) {}

    Diagnostics find() {
        for (std::size_t alias = 0; alias < aliases_.size(); ++alias) {
            if (states_[alias] == State::unseen) follow(alias);
        }
        return std::move(found_);
    }

  private:
    enum class State : std::uint8_t { unseen, on_path, done };
    struct Step {
        std::size_t alias;
        std::size_t next_target;
    };

    void follow(std::size_t first) {
        enter(first);
        while (!path_.empty()) {
            Step& step = path_.back();
            const auto& targets = aliases_[step.alias].targets;
            if (step.next_target == targets.size()) {
                states_[step.alias] = State::done;
                path_.pop_back();
                continue;
            }
            const auto next = alias_of(targets[step.next_target++]);
            if (!next || *next == step.alias) continue;
            if (states_[*next] == State::on_path) report(*next);
            if (states_[*next] == State::unseen) enter(*next);
        }
    }

    void enter(std::size_t alias) {
        states_[alias] = State::on_path;
        path_.push_back({alias, 0});
    }

    // As qmgr goes on from a target: the alias of that name, for "user+tag" that of the user.
    std::optional<std::size_t> alias_of(const std::string& target) const {
        if (target.starts_with('\\')) return std::nullopt;
        const auto address = Address::parse(target);
        if (address &&
            !std::ranges::binary_search(local_domains_, ascii::lower_case(address->domain()))) {
            return std::nullopt;
        }
        const std::string name = address ? address->mailbox_name() : target;
        if (const auto found = index_of(name)) return found;
        const std::string user = name.substr(0, name.find('+'));
        return index_of(ascii::equal(user, "postmaster") ? "root" : user);
    }

    std::optional<std::size_t> index_of(std::string_view name) const {
        const std::string lower = ascii::lower_case(name);
        const auto at = std::ranges::lower_bound(aliases_, lower, {}, &links::Alias::name);
        if (at == aliases_.end() || at->name != lower) return std::nullopt;
        return static_cast<std::size_t>(at - aliases_.begin());
    }

    void report(std::size_t back) {
        if (!found_.keeps(Severity::warning)) return found_.warn({}, {}, {});
        auto step = std::ranges::find(path_, back, &Step::alias);
        std::string way;
        for (std::size_t shown = 0; step != path_.end(); ++step, ++shown) {
            if (shown < max_shown) way += in_quotes(aliases_[step->alias].name) + ", ";
            if (shown == max_shown) way += "..., ";
        }
        const std::string name = in_quotes(aliases_[back].name);
        found_.warn(place_of(aliases_[back]), name + " leads back to itself: " + way + name,
                    "mail for them goes to their other targets, and is refused where they have "
                    "none");
    }

    std::span<const links::Alias> aliases_;
    std::span<const std::string> local_domains_;
    std::vector<State> states_;
    std::vector<Step> path_;
    Diagnostics found_;
};

}  // namespace

Diagnostics alias_loops(const links::AliasSnapshot& table,
                        std::span<const std::string> local_domains) {
    return LoopFinder(table, local_domains).find();
}

}  // namespace holdfast::config
