// What smtpd.conf says, once each value has been checked by itself. What it leaves unsaid has the
// default of its snapshot (links/snapshots.h), or is chosen when the plan is made.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// A value, and the words that set it.
struct Placed {
    std::string value;
    Place place;
};

// One listen statement; without endpoints: `listen none`.
struct Listen {
    Placed word;
    std::vector<links::ListenPlan> endpoints;
    Placed tls = {};  // the word that asks for it; its value is empty where none does
    // Whose clients may send to other machines; sorted, as links::RelayRight has them.
    std::vector<std::string> networks = {};
    Place from = {};  // of the word in front of them
};

// One cert statement. Both files may come from the same word: a folder.
struct Cert {
    Placed host;   // lower case
    Placed chain;  // the path of the certificate and those above it
    Placed key;    // the path of its private key
};

// A relay statement, or a URL behind `via`.
struct Relay {
    links::RelayPlan plan;         // without name, place and the numbers of files
    Placed name;                   // "provider", or the URL
    std::string url;               // with the port, for people
    std::string tls_reason;        // "tls require", or "default of smtps://"
    std::optional<Placed> secret;  // a path
    std::optional<Placed> ca;      // a path
    bool is_named = true;
};

// One route statement.
struct Route {
    links::RoutePlan plan;  // without place and relays
    Place place;            // of its pattern, or of the word `all`
    std::vector<Placed> via;
};

struct Settings {
    std::string file;  // empty: the built-in default
    std::optional<Placed> hostname;
    std::optional<Placed> origin;
    std::optional<Placed> aliases;
    std::vector<Listen> listens;
    std::vector<Cert> certs;
    std::map<std::string, Place> domains;  // further local domains, lower case
    // With statements that could not be understood, as far as they have a name: what refers to one
    // is not wrong as well.
    std::vector<Relay> relays;
    std::vector<Route> routes;
    std::optional<Placed> rewrite_from;
    std::optional<Placed> masquerade;
    std::optional<Placed> redirect;
    links::SmtpinSnapshot smtpin;
    links::ControlSnapshot control;
    links::QmgrSnapshot qmgr;
    links::MdaSnapshot mda;
    // Each as it takes effect: its words, without comments, one space between two.
    std::vector<std::string> statements;
    // Where each statement stood first, by its name in the table of statements.
    std::map<std::string_view, Place> seen;
    // First words, as they were probably meant, of lines that are no statement at all.
    std::set<std::string, std::less<>> garbled;
};

}  // namespace holdfast::config
