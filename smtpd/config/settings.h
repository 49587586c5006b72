// What smtpd.conf says, once each value has been checked by itself. What it leaves unsaid has the
// default of its snapshot (links/snapshots.h), or is chosen when the plan is made.
#pragma once

#include <map>
#include <optional>
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
};

// One cert statement. Both files may come from the same word: a folder.
struct Cert {
    Placed host;   // lower case
    Placed chain;  // the path of the certificate and those above it
    Placed key;    // the path of its private key
};

struct Settings {
    std::string file;  // empty: the built-in default
    std::optional<Placed> hostname;
    std::optional<Placed> origin;
    std::optional<Placed> aliases;
    std::vector<Listen> listens;
    std::vector<Cert> certs;
    std::map<std::string, Place> domains;  // further local domains, lower case
    links::SmtpinSnapshot smtpin;
    links::ControlSnapshot control;
    links::QmgrSnapshot qmgr;
    links::MdaSnapshot mda;
    // Each as it takes effect: its words, without comments, one space between two.
    std::vector<std::string> statements;
    // Where each statement stood first, by its name in the table of statements.
    std::map<std::string_view, Place> seen;
};

}  // namespace holdfast::config
