#include "smtpd/qmgr/router.h"

#include <algorithm>
#include <optional>

#include "smtpd/base/quote.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::qmgr {

namespace {

enum class Aliases : std::uint8_t { follow, ignore };

// A name or an address on its way through the aliases.
struct Step {
    std::string text;
    std::string parent;  // the alias that led here, in lower case; empty: the recipient
    std::string place;   // where that alias stands
};

Outcome refused(std::string_view enhanced, std::string text) {
    return {Verdict::refused, std::string(enhanced), std::move(text), {}};
}

std::string quoted_name(std::string_view name) {
    return '"' + escaped(name) + '"';
}

std::string behind(const Step& step) {
    return step.place.empty() ? "" : " (alias at " + step.place + ")";
}

// One recipient's way through the tables.
class Expansion {
  public:
    struct Tables {
        const Router& router;
        const AliasTable& aliases;
        const KnownUser& known;
    };

    Expansion(const Tables& tables, std::string_view sender) : tables_(tables), sender_(sender) {}

    void follow(Step first) {
        pending_.push_back(std::move(first));
        while (!pending_.empty()) {
            Step step = std::move(pending_.back());
            pending_.pop_back();
            if (++visited_ > Router::max_names) {
                return give_up(refused("5.4.6", "the alias expands to more than " +
                                                    std::to_string(Router::max_names) + " names (" +
                                                    first_place_ + ")"));
            }
            visit(step);
        }
    }

    void add_fixed(const std::string& key) {
        const Step step{key, {}, {}};
        const auto address = key.contains('@') ? Address::parse(key) : std::nullopt;
        if (address && !tables_.router.is_local(*address)) {
            return add(key, tables_.router.way_to(*address, sender_));
        }
        mailbox(step, address ? address->mailbox_name() : key, Aliases::ignore);
    }

    // Everything goes to one address, as if each name were an alias of it.
    void redirect(const std::string& to, const std::string& place) {
        route_.aliased = true;
        first_alias_ = to;
        first_place_ = place;
        follow({to, "(redirect)", place});
    }

    Route finish() {
        if (broken_ != nullptr) {
            give_up({Verdict::retry,
                     "4.3.5",
                     "no target of the alias " + quoted_name(broken_->name) + " can be used (" +
                         broken_->place + "); the administrator must mend it",
                     {}});
        } else if (route_.targets.empty() && route_.questions.empty()) {
            give_up(refused("5.4.6", "the alias leads back to itself (" + first_place_ + ")"));
        }
        if (!route_.aliased) {
            for (Target& target : route_.targets) target.key.clear();
        }
        return std::move(route_);
    }

  private:
    void visit(const Step& step) {
        // Only the administrator passes an alias by, not who writes a recipient.
        if (!step.parent.empty() && step.text.starts_with('\\')) {
            const std::string name = step.text.substr(1);
            return mailbox({name, step.parent, step.place}, name, Aliases::ignore);
        }
        if (!step.text.contains('@') || step.parent.empty()) return name(step, step.text);
        const auto address = Address::parse(step.text);
        if (!address) {
            return add(step.text, refused("5.1.3", "malformed address " + quoted_name(step.text) +
                                                       behind(step)));
        }
        if (tables_.router.is_local(*address)) return name(step, address->mailbox_name());
        elsewhere(step, *address);
    }

    void elsewhere(const Step& step, const Address& address) {
        auto way = tables_.router.way_to(address, sender_);
        if (auto* outcome = std::get_if<Outcome>(&way)) outcome->text += behind(step);
        add(step.text, std::move(way));
    }

    void name(const Step& step, const std::string& text) {
        const links::Alias* alias = tables_.aliases.find(text);
        if (alias == nullptr) return mailbox(step, text, Aliases::follow);
        expand(*alias, step, text);
    }

    // Each alias is expanded once, which ends every cycle and every fan-out (F37).
    void expand(const links::Alias& alias, const Step& step, const std::string& text) {
        if (step.parent == alias.name) return mailbox(step, text, Aliases::ignore);
        if (!expanded_.insert(alias.name).second) return;
        if (!route_.aliased) {
            first_alias_ = alias.name;
            first_place_ = alias.place;
        }
        route_.aliased = true;
        if (alias.targets.empty()) broken_ = &alias;
        for (auto target = alias.targets.rbegin(); target != alias.targets.rend(); ++target) {
            pending_.push_back({*target, alias.name, alias.place});
        }
    }

    void mailbox(const Step& step, const std::string& text, Aliases aliases) {
        const std::string lower = ascii::lower_case(text);
        if (lower == "root") return add("root", MailboxOf{"root"});
        if (lower == "postmaster") return postmaster(step, aliases);
        if (user(step, text) || (lower != text && user(step, lower))) return;
        const std::size_t plus = text.find('+');
        if (plus != std::string::npos && plus > 0) return tagged(step, text, aliases);
        unknown(step, text);
    }

    void postmaster(const Step& step, Aliases aliases) {
        if (aliases == Aliases::follow) return name(step, "root");
        add("root", MailboxOf{"root"});
    }

    // "user+tag"
    void tagged(const Step& step, const std::string& text, Aliases aliases) {
        const std::string base = text.substr(0, text.find('+'));
        if (aliases == Aliases::follow) return name(step, base);
        mailbox(step, base, aliases);
    }

    void unknown(const Step& step, const std::string& text) {
        add(step.text, refused("5.1.1", "no user " + quoted_name(text) + " here" + behind(step)));
    }

    // True where there is nothing more to look up: it is one, or we cannot know yet.
    bool user(const Step& step, const std::string& text) {
        if (!is_login_name(text)) return false;
        const UserAnswer* answer = tables_.known(text);
        if (answer == nullptr) {
            if (std::ranges::find(route_.questions, text) == route_.questions.end()) {
                route_.questions.push_back(text);
            }
            return true;
        }
        switch (answer->lookup) {
            case links::Lookup::unknown:
                return false;
            case links::Lookup::found:
                return found(text, *answer);
            case links::Lookup::failed:
                break;
        }
        add(step.text, Outcome{Verdict::retry,
                               "4.3.0",
                               "the user database cannot be asked about " + quoted_name(text),
                               {}});
        return true;
    }

    bool found(const std::string& text, const UserAnswer& answer) {
        const std::string& own = answer.name.empty() ? text : answer.name;
        if (!is_login_name(own)) return false;
        add(own, MailboxOf{own});
        return true;
    }

    void add(const std::string& key, std::variant<MailboxOf, Elsewhere, Outcome> way) {
        if (!keys_.insert(key).second) return;
        route_.targets.push_back({key, std::move(way)});
    }

    // One outcome for the whole recipient.
    void give_up(Outcome outcome) {
        pending_.clear();
        broken_ = nullptr;
        route_ = {true, {{first_alias_, std::move(outcome)}}, {}};
    }

    Tables tables_;
    std::string_view sender_;
    Route route_;
    std::vector<Step> pending_;  // a stack: targets come in the order of the file
    std::set<std::string> expanded_;
    std::set<std::string> keys_;
    std::string first_alias_;
    std::string first_place_;
    const links::Alias* broken_ = nullptr;  // all of its lines were left out
    std::size_t visited_ = 0;
};

}  // namespace

bool is_login_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || name.front() == '-') return false;
    if (name == "." || name == "..") return false;
    return std::ranges::all_of(name, [](char c) {
        return c > 0x20 && c < 0x7f && c != '/' && c != ':' && c != '@' && c != '\\';
    });
}

Outcome no_route(std::string_view address, const RouteTable& table) {
    const std::string_view why =
        table.leads_anywhere()
            ? "> is not on this machine, and no route of smtpd.conf leads there"
            : "> is not on this machine, and smtpd.conf names no relay to send it through";
    return refused("5.7.1", "<" + escaped(address) + std::string(why));
}

// Sorted again: a snapshot in another order must not hide an alias.
AliasTable::AliasTable(links::AliasSnapshot snapshot) : aliases_(std::move(snapshot.aliases)) {
    std::ranges::sort(aliases_, {}, &links::Alias::name);
}

const links::Alias* AliasTable::find(std::string_view name) const {
    const std::string key = ascii::lower_case(name);
    const auto at = std::ranges::lower_bound(aliases_, key, {}, &links::Alias::name);
    if (at == aliases_.end() || at->name != key) return nullptr;
    return &*at;
}

Router::Router(const links::QmgrSnapshot& config)
    : origin_(config.origin),
      table_(config),
      redirect_(config.redirect),
      redirect_place_(config.redirect_place) {
    for (const std::string& domain : config.local_domains) {
        local_domains_.insert(ascii::lower_case(domain));
    }
}

bool Router::is_local(const Address& address) const {
    return local_domains_.contains(ascii::lower_case(address.domain()));
}

std::optional<Address> Router::parse_recipient(std::string_view text) const {
    if (ascii::lower_case(text) == "postmaster") return Address::parse_with_origin(text, origin_);
    return Address::parse(text);
}

std::variant<MailboxOf, Elsewhere, Outcome> Router::way_to(const Address& address,
                                                           std::string_view sender) const {
    const auto at = table_.find(address, sender);
    if (!at) return no_route(address.text(), table_);
    return Elsewhere{address.local_part() + "@" + ascii::lower_case(address.domain()), *at};
}

Route Router::route(const Destined& mail, const KnownUser& known) const {
    Expansion expansion({*this, aliases_, known}, mail.sender);
    const auto address = parse_recipient(mail.recipient);
    if (!address) {
        return {false,
                {{"", refused("5.1.3", "malformed address " + quoted_name(mail.recipient))}},
                {}};
    }
    if (!redirect_.empty()) {
        expansion.redirect(redirect_, redirect_place_);
    } else if (is_local(*address)) {
        expansion.follow({address->mailbox_name(), {}, {}});
    } else {
        return {false, {{"", way_to(*address, mail.sender)}}, {}};
    }
    return expansion.finish();
}

Route Router::resume(std::span<const std::string> keys, std::string_view sender,
                     const KnownUser& known) const {
    Route whole;
    whole.aliased = true;
    for (const std::string& key : keys) {
        Expansion expansion({*this, aliases_, known}, sender);
        expansion.add_fixed(key);
        Route one = expansion.finish();
        // The key is what the log calls it, whatever the user database calls it today.
        for (Target& target : one.targets) whole.targets.push_back({key, std::move(target.way)});
        for (std::string& name : one.questions) whole.questions.push_back(std::move(name));
    }
    return whole;
}

}  // namespace holdfast::qmgr
