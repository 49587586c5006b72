// What the probe makes of smtpd.conf: the parent's plan, and for each room just what it needs,
// in a sealed memfd. Rooms never parse configuration.
#pragma once

#include <string>
#include <vector>

#include "smtpd/links/codec.h"
#include "smtpd/links/tls_mode.h"

namespace holdfast::links {

// Who may send to other machines through a listener, beside this machine itself.
struct RelayRight {
    std::string listener;  // ListenPlan::text
    // "10.0.0.0/24", "2001:db8::/32": always with a length, without bits beyond it; never /0.
    std::vector<std::string> networks;
};

struct SmtpinSnapshot {
    std::string hostname;
    std::uint64_t max_message_bytes = 50'000'000;
    std::uint32_t max_recipients = 1000;         // of one message
    std::uint32_t max_sessions = 500;            // in all
    std::uint32_t max_sessions_per_client = 50;  // of one address (IPv6: one /64)
    // From a reload or restart on, which the parent repeats in Drain: so long sessions go on as if
    // nothing had happened.
    std::uint32_t drain_seconds = 300;
    // From Drain on: so long a transaction that is open may take. Not less than the other.
    std::uint32_t drain_limit_seconds = 900;
    std::vector<RelayRight> relay_rights = {};
};

struct ControlSnapshot {
    std::string hostname;
    std::string origin;  // the domain of names without one
    std::uint64_t max_message_bytes = 50'000'000;
};

// --- mail that leaves this machine ---

enum class RelayProtocol : std::uint8_t { smtp, lmtp };
template <>
inline constexpr unsigned enum_limit<RelayProtocol> = 2;

enum class RelayTls : std::uint8_t {
    none,           // never
    opportunistic,  // where it is offered, whatever the certificate; else plain
    required,       // with a certificate that is right for the host, never without (F18)
};
template <>
inline constexpr unsigned enum_limit<RelayTls> = 3;

// Files that relay asks the parent for (parent_relay.h), by their place in RelaySnapshot::files.
// The first ones are always the same.
inline constexpr std::uint32_t resolv_conf_file = 0;
inline constexpr std::uint32_t hosts_file = 1;
inline constexpr std::uint32_t trusted_file = 2;  // the certificates that this machine trusts
inline constexpr std::uint32_t first_own_file = 3;
inline constexpr std::uint32_t no_file = 0xffffffff;

// A server that takes mail from us: a relay statement, or what `via` names.
struct RelayPlan {
    std::string name;   // "provider", or the URL where it has none
    std::string place;  // "smtpd.conf:3"
    RelayProtocol protocol = RelayProtocol::smtp;
    std::string host;  // a name in lower case, or a literal address without brackets
    std::uint16_t port = 0;
    bool implicit_tls = false;  // smtps://
    RelayTls tls = RelayTls::opportunistic;
    std::uint32_t ca_file = trusted_file;
    // SHA-256 in lower-case hex: of the certificate or of its public key. One that fits is all
    // that is asked for.
    std::vector<std::string> pins;
    std::string user;  // empty: no login
    std::uint32_t secret_file = no_file;
    bool token = false;   // the secret is an OAuth 2.0 access token (XOAUTH2), not a password
    std::string source4;  // literal addresses to send from; empty: the system chooses
    std::string source6;
    std::uint32_t max_connections = 20;
};

// How addresses change on their way out.
struct RewritePlan {
    std::string from;                        // replaces every sender and From:; empty: none does
    std::string masquerade;                  // the domain of senders of this machine; empty: theirs
    std::vector<std::string> local_domains;  // lower case
};

struct RelaySnapshot {
    std::string hostname;
    std::vector<std::string> files;  // paths
    std::vector<RelayPlan> relays;
    RewritePlan rewrite;
};

enum class RouteBy : std::uint8_t { all, recipient, sender };
template <>
inline constexpr unsigned enum_limit<RouteBy> = 3;

enum class RouteMatch : std::uint8_t { address, domain, subdomains };
template <>
inline constexpr unsigned enum_limit<RouteMatch> = 3;

// A route statement. The first one that fits decides.
struct RoutePlan {
    RouteBy by = RouteBy::all;
    RouteMatch match = RouteMatch::domain;
    // "user@domain", "domain", "domain" for what is below it; the domain in lower case.
    std::string pattern;
    std::vector<std::uint32_t> relays;  // places in QmgrSnapshot::relays, the best first
    std::string place;                  // "smtpd.conf:7"
};

// A relay as qmgr knows it; the same order as in RelaySnapshot.
struct RelayLabel {
    std::string name;
    std::string place;
    std::string description;  // for people: the URL, TLS and why, login
    std::uint32_t max_connections = 20;
};

struct QmgrSnapshot {
    std::string hostname;
    std::string origin;
    std::vector<std::string> local_domains;  // lower case
    std::uint64_t max_message_bytes = 50'000'000;
    std::uint64_t retry_first_seconds = 60;
    std::uint64_t retry_limit_seconds = 3600;
    std::uint64_t expire_seconds = std::uint64_t{4} * 86400;
    std::uint64_t warn_seconds = std::uint64_t{4} * 3600;
    std::uint32_t max_agents = 20;
    std::vector<RelayLabel> relays;
    std::vector<RoutePlan> routes;
    std::string redirect;  // the one recipient of everything; empty: there is none
    std::string redirect_place;
};

// One alias: its name in lower case and where it leads, in the order of the file. Programs, files
// and :include: are not among the targets. An alias without targets had no others: it exists, and
// mail to it waits for an administrator, never dropped and never taken for a user of that name.
struct Alias {
    std::string name;
    // Addresses, local names without quotes, or "\name": the mailbox, whatever alias has the name.
    std::vector<std::string> targets;  // case as in the file
    std::string place;                 // "/etc/aliases:12", for messages
};

struct AliasSnapshot {
    std::vector<Alias> aliases;  // sorted by name
};

struct UsersSnapshot {
    std::uint32_t threads = 4;
};

// Nothing: signer gets its keys as files (parent_signer.h).
struct SignerSnapshot {};

enum class Mailbox : std::uint8_t { mbox, maildir };
template <>
inline constexpr unsigned enum_limit<Mailbox> = 2;

struct MdaSnapshot {
    std::string hostname;
    Mailbox mailbox = Mailbox::mbox;
    std::string maildir;      // below the user's home: "Maildir"
    std::string mail_folder;  // of mbox files: "/var/mail"
    std::uint32_t mail_gid = 0;
    std::uint32_t root_uid = 0;  // _hfroot: owner of root's mailbox
    std::uint32_t root_gid = 0;
};

struct Identity {
    std::string room;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct ListenPlan {
    std::string text = {};     // as in smtpd.conf and the log: "127.0.0.1:25"
    std::string place = {};    // "smtpd.conf:3"
    std::string address = {};  // a literal address of the family
    bool ipv6 = false;         // such a socket takes no IPv4 (IPV6_V6ONLY): `*:25` is two listeners
    std::uint16_t port = 0;
    // From `*` or `localhost`: left out where this machine lacks the family or its loopback
    // address (EAFNOSUPPORT, EADDRNOTAVAIL), as long as one listener is left.
    bool if_available = false;
    TlsMode tls = TlsMode::none;
};

// A cert statement.
struct CertificatePlan {
    std::string host;   // whom it is for, lower case
    std::string place;  // "smtpd.conf:3"
    std::string chain;  // the path of the certificate and those above it
    std::string key;    // the path of its private key
};

// What the probe hands the parent: one of these, encoded, on its fd 3; exit status 0. On an error
// nothing is handed over, the errors stand on standard error, and the status is 78.
struct Plan {
    std::string config;                   // the file that was read, or empty: the built-in default
    std::vector<std::string> statements;  // of it, for people
    std::vector<ListenPlan> listeners;
    std::vector<Identity> identities;  // empty where the probe does not run as root
    SmtpinSnapshot smtpin;
    ControlSnapshot control;
    QmgrSnapshot qmgr;
    UsersSnapshot users;
    MdaSnapshot mda;
    AliasSnapshot aliases;
    RelaySnapshot relay;                        // without relays there is no room
    std::vector<CertificatePlan> certificates;  // the first serves clients that ask for no host
};

}  // namespace holdfast::links
