// Where a recipient's mail goes: aliases, then users. Pure: what it does not know about users it
// asks for, and is called again.
//
// A local part is looked up in this order: alias, user (as written, then in lower case); where it
// holds a "+", the part in front of it likewise. `root` without an alias is the mailbox of root,
// `postmaster` without one is root. An alias that names itself means the mailbox of that name, and
// so does a target (but no recipient) with a backslash in front.
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

// One way that a recipient's mail goes, or why it cannot.
struct Target {
    std::string key;  // in the log of the message; empty: the recipient itself
    std::variant<MailboxOf, Outcome> way;
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

    // A recipient as it stands in an envelope: an address, or `postmaster` alone, the one name
    // that needs no domain (RFC 5321 section 4.1.1.3).
    std::optional<Address> parse_recipient(std::string_view text) const;

    // Total: an address of another domain is refused.
    Route route(const Address& recipient, const KnownUser& known) const;
    // Likewise what is no address.
    Route route(std::string_view recipient, const KnownUser& known) const;

    // The targets of an expansion that was fixed before: no alias is followed any more.
    Route resume(std::span<const std::string> keys, const KnownUser& known) const;

  private:
    std::string origin_;
    std::set<std::string, std::less<>> local_domains_;
    AliasTable aliases_;
};

// Why a recipient elsewhere is refused: there is no relay room.
Outcome no_relay(std::string_view address);

}  // namespace holdfast::qmgr
