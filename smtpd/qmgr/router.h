// Where a recipient's mail goes: aliases, then users, or another machine. Pure: what it does not
// know about users it asks for, and is called again.
//
// A local part is looked up in this order: alias, user (as written, then in lower case); where it
// holds a "+", the part in front of it likewise. `root` without an alias is the mailbox of root,
// `postmaster` without one is root. An alias that names itself means the mailbox of that name, and
// so does a target (but no recipient) with a backslash in front.
//
// `redirect all` comes before all of this: every recipient is that one.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "queue/verdict.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/users_client.h"
#include "smtpd/mail/address.h"
#include "smtpd/qmgr/route_table.h"

namespace holdfast::qmgr {

// The aliases of this machine, as the probe read them.
class AliasTable {
  public:
    AliasTable() = default;
    explicit AliasTable(links::AliasSnapshot snapshot);

    // nullptr where `name`, in whatever case, is no alias. Valid while the table is.
    const links::Alias* find(std::string_view name) const;

    std::size_t size() const { return aliases_.size(); }

  private:
    std::vector<links::Alias> aliases_;  // sorted by name
};

struct UserAnswer {
    links::Lookup lookup = links::Lookup::failed;
    std::string name;  // the user's own spelling, where found
};

// What is known of a name; nullptr: nothing yet.
using KnownUser = std::function<const UserAnswer*(std::string_view name)>;

struct MailboxOf {
    std::string user;
    bool operator==(const MailboxOf&) const = default;
};

// Mail for another machine, by a route of the table.
struct Elsewhere {
    std::string address;  // its domain in lower case
    std::size_t route = 0;
    bool operator==(const Elsewhere&) const = default;
};

// One way that a recipient's mail goes, or why it cannot.
struct Target {
    std::string key;  // in the log of the message; empty: the recipient itself
    std::variant<MailboxOf, Elsewhere, Outcome> way;
};

// What an envelope says of one recipient, as far as it decides where mail goes.
struct Destined {
    std::string_view recipient;
    std::string_view sender;
};

struct Route {
    bool aliased = false;                // the targets are an expansion, not the recipient itself
    std::vector<Target> targets;         // never empty once there are no questions
    std::vector<std::string> questions;  // users to ask for; while there are any, nothing is final
};

// A name that may stand in a SpawnMda: 1 to 64 printable bytes without "/", ":" and "@".
bool is_login_name(std::string_view name);

class Router {
  public:
    // No more names than this are visited for one recipient (F37): what they come to still fits
    // into one line of the log.
    static constexpr std::size_t max_names = 2000;

    explicit Router(const links::QmgrSnapshot& config);

    void use(AliasTable aliases) { aliases_ = std::move(aliases); }

    bool is_local(const Address& address) const;
    const std::string& origin() const { return origin_; }
    const RouteTable& table() const { return table_; }

    // A recipient as it stands in an envelope: an address, or `postmaster` alone, the one name
    // that needs no domain (RFC 5321 section 4.1.1.3).
    std::optional<Address> parse_recipient(std::string_view text) const;

    // Total: what is no address is refused, and so is one of another machine that no route leads
    // to.
    Route route(const Destined& mail, const KnownUser& known) const;

    // The targets of an expansion that was fixed before: no alias is followed any more. Which way
    // those of other machines take is decided anew (F52).
    Route resume(std::span<const std::string> keys, std::string_view sender,
                 const KnownUser& known) const;

    // The way to an address of another machine.
    std::variant<MailboxOf, Elsewhere, Outcome> way_to(const Address& address,
                                                       std::string_view sender) const;

  private:
    std::string origin_;
    std::set<std::string, std::less<>> local_domains_;
    RouteTable table_;
    std::string redirect_;
    std::string redirect_place_;
    AliasTable aliases_;
};

// Why a recipient elsewhere is refused where no route leads to it.
Outcome no_route(std::string_view address, const RouteTable& table);

}  // namespace holdfast::qmgr
