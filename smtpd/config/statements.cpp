#include "smtpd/config/statements.h"

#include <algorithm>
#include <array>
#include <string>

#include "smtpd/config/leaving.h"
#include "smtpd/config/listen.h"
#include "smtpd/config/relays.h"
#include "smtpd/config/routes.h"

namespace holdfast::config {

namespace {

constexpr std::uint64_t minute = 60;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day = 24 * hour;

// Each has a descriptor of its own for key and chain while they are loaded, and a context in
// smtpin for good. One certificate may name many hosts.
constexpr std::size_t max_certs = 256;
constexpr std::string_view chain_in_folder = "/fullchain.pem";
constexpr std::string_view key_in_folder = "/privkey.pem";

// RFC 5321 section 4.5.3.1.7 and .8: what every server must be able to take.
constexpr Range message_bytes{64 * 1024, 2ULL << 30};
constexpr Range message_recipients{100, 60'000};

constexpr Range session_count{1, 20'000};
constexpr Range agent_count{1, 1'000};
// No transaction lives longer than an hour anyway (smtpin/patience.h).
constexpr Range drain_time{0, hour};
constexpr Range message_age{minute, 30 * day};

std::uint32_t narrow(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}

void read_hostname(Reading& words, Settings& settings) {
    settings.hostname = words.domain("the name of this machine");
}

void read_origin(Reading& words, Settings& settings) {
    settings.origin = words.domain("the domain");
}

void read_domain(Reading& words, Settings& settings) {
    auto domain = words.domain("the domain");
    if (!domain) return;
    const auto [earlier, is_new] = settings.domains.try_emplace(domain->value, domain->place);
    if (!is_new) {
        words.warn(*domain, in_quotes(domain->value) + " is a local domain already",
                   "it stands in " + earlier->second.text() + "; this line can go");
    }
}

void read_aliases(Reading& words, Settings& settings) {
    settings.aliases = words.path("the alias file");
}

// A folder as ACME clients keep it for each certificate: always the newest files under the same
// names.
void read_cert_folder(Reading& words, Cert& cert) {
    auto folder = words.path("the folder");
    if (!folder) return;
    while (folder->value.ends_with('/')) folder->value.pop_back();
    cert.chain = {folder->value + std::string(chain_in_folder), folder->place};
    cert.key = {folder->value + std::string(key_in_folder), folder->place};
}

void read_cert_files(Reading& words, Cert& cert) {
    auto chain = words.path("the file of the certificates");
    if (!chain || !words.require("key")) return;
    auto key = words.path("the file of the private key");
    if (!key) return;
    cert.chain = std::move(*chain);
    cert.key = std::move(*key);
}

void read_cert(Reading& words, Settings& settings) {
    auto host = words.domain("the host");
    if (!host) return;
    if (settings.certs.size() >= max_certs) {
        return words.report(
            {host->place.column, host->place.length, "too many cert statements",
             "at most " + std::to_string(max_certs) + "; one certificate may name many hosts"});
    }
    Cert cert{std::move(*host), {}, {}};
    if (words.accept("chain")) {
        read_cert_files(words, cert);
    } else {
        read_cert_folder(words, cert);
    }
    if (!cert.key.value.empty()) settings.certs.push_back(std::move(cert));
}

// A folder below the home directory of whoever gets the mail: never a way out of it.
bool stays_below_home(std::string_view path) {
    if (!path.starts_with("~/") || path.size() > 255) return false;
    const std::string parts = std::string(path.substr(1)) + "/";
    return parts.find("//") == std::string::npos && parts.find("/../") == std::string::npos &&
           parts.find("/./") == std::string::npos;
}

void read_maildir(Reading& words, Settings& settings) {
    const Word* const word = words.word("the folder");
    if (word == nullptr) return;
    std::string_view path = word->text;
    if (path.size() > 2 && path.ends_with('/')) path.remove_suffix(1);
    if (!stays_below_home(path)) {
        const bool begins = path.starts_with("~/");
        return words.refuse(*word,
                            begins ? "the folder must lie below the home directory"
                                   : "the folder does not begin with ~/",
                            "~/PATH, such as ~/Maildir");
    }
    settings.mda.mailbox = links::Mailbox::maildir;
    settings.mda.maildir = path.substr(2);
}

void read_local(Reading& words, Settings& settings) {
    static constexpr std::array<std::string_view, 2> forms{"mbox", "maildir"};
    const auto form = words.choice(forms);
    if (form && forms.at(*form) == "maildir") read_maildir(words, settings);
}

void read_limit_message(Reading& words, Settings& settings) {
    const auto bytes = words.quantity(a_size, message_bytes, settings.qmgr.max_message_bytes);
    settings.smtpin.max_message_bytes = bytes;
    settings.control.max_message_bytes = bytes;
    settings.qmgr.max_message_bytes = bytes;
}

void read_limit_recipients(Reading& words, Settings& settings) {
    std::uint32_t& most = settings.smtpin.max_recipients;
    most = narrow(words.quantity(a_number, message_recipients, most));
}

void read_limit_sessions(Reading& words, Settings& settings) {
    const auto all = words.quantity(a_number, session_count, session_count.high);
    std::uint64_t each = settings.smtpin.max_sessions_per_client;
    if (words.accept("per-client")) each = words.quantity(a_number, {1, all}, each);
    settings.smtpin.max_sessions = narrow(all);
    settings.smtpin.max_sessions_per_client = narrow(std::min(each, all));
}

void read_limit_agents(Reading& words, Settings& settings) {
    std::uint32_t& most = settings.qmgr.max_agents;
    most = narrow(words.quantity(a_number, agent_count, most));
}

void read_limit_drain(Reading& words, Settings& settings) {
    const auto soft = words.quantity(a_duration, drain_time, 0);
    if (!words.require("up-to")) return;
    settings.smtpin.drain_seconds = narrow(soft);
    std::uint32_t& hard = settings.smtpin.drain_limit_seconds;
    hard = narrow(words.quantity(a_duration, {soft, drain_time.high}, hard));
}

void read_queue_expire(Reading& words, Settings& settings) {
    std::uint64_t& age = settings.qmgr.expire_seconds;
    age = words.quantity(a_duration, message_age, age);
}

void read_queue_retry(Reading& words, Settings& settings) {
    const auto first = words.quantity(a_duration, {1, day}, 1);
    if (!words.require("up-to")) return;
    settings.qmgr.retry_first_seconds = first;
    std::uint64_t& limit = settings.qmgr.retry_limit_seconds;
    limit = words.quantity(a_duration, {first, 7 * day}, limit);
}

void read_queue_warn(Reading& words, Settings& settings) {
    std::uint64_t& age = settings.qmgr.warn_seconds;
    age = words.quantity(a_duration, message_age, age);
}

constexpr std::array table{
    Statement{"aliases", "aliases FILE", Repeat::once, read_aliases},
    Statement{"cert", "cert HOST FOLDER | chain FILE key FILE", Repeat::often, read_cert},
    Statement{"domain", "domain DOMAIN", Repeat::often, read_domain},
    Statement{"hostname", "hostname NAME", Repeat::once, read_hostname},
    Statement{"limit agents", "limit agents NUMBER", Repeat::once, read_limit_agents},
    Statement{"limit drain", "limit drain DURATION up-to DURATION", Repeat::once, read_limit_drain},
    Statement{"limit message", "limit message SIZE", Repeat::once, read_limit_message},
    Statement{"limit recipients", "limit recipients NUMBER", Repeat::once, read_limit_recipients},
    Statement{"limit sessions", "limit sessions NUMBER [per-client NUMBER]", Repeat::once,
              read_limit_sessions},
    Statement{"listen", "listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none",
              Repeat::often, read_listen},
    Statement{"local", "local mbox | maildir ~/PATH", Repeat::once, read_local},
    Statement{"masquerade", "masquerade DOMAIN", Repeat::once, read_masquerade},
    Statement{"origin", "origin DOMAIN", Repeat::once, read_origin},
    Statement{"queue expire", "queue expire DURATION", Repeat::once, read_queue_expire},
    Statement{"queue retry", "queue retry DURATION up-to DURATION", Repeat::once, read_queue_retry},
    Statement{"queue warn", "queue warn DURATION", Repeat::once, read_queue_warn},
    Statement{"redirect", "redirect all to ADDRESS", Repeat::once, read_redirect},
    Statement{"relay", "relay NAME URL [OPTION ...]", Repeat::often, read_relay},
    Statement{"rewrite", "rewrite from ADDRESS", Repeat::once, read_rewrite},
    Statement{"route all", "route all via RELAY, ...", Repeat::often, read_route_all},
    Statement{"route sender", "route sender PATTERN via RELAY, ...", Repeat::often,
              read_route_sender},
    Statement{"route to", "route to PATTERN via RELAY, ...", Repeat::often, read_route_to},
};

}  // namespace

std::span<const Statement> statements() {
    return table;
}

}  // namespace holdfast::config
