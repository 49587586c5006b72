#include "smtpd/config/relays.h"

#include <algorithm>

#include "smtpd/base/quote.h"
#include "smtpd/config/relay_options.h"
#include "smtpd/config/url.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

using links::RelayTls;

constexpr std::size_t max_relays = 100;
constexpr std::size_t max_name = 64;
// What mail without a relay will be called: looked up for each domain.
constexpr std::string_view direct = "mx";

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= max_name && std::ranges::all_of(text, [](char c) {
        return ascii::is_alphanumeric(c) || c == '-' || c == '_';
    });
}

const Relay* find(const std::vector<Relay>& relays, std::string_view name) {
    const auto found =
        std::ranges::find_if(relays, [&](const Relay& relay) { return relay.name.value == name; });
    return found == relays.end() ? nullptr : &*found;
}

// Whether what is said of two servers is the same, wherever it is said.
bool same(const Relay& one, const Relay& other) {
    const auto path = [](const std::optional<Placed>& file) { return file ? file->value : ""; };
    return links::encode_struct(one.plan) == links::encode_struct(other.plan) &&
           path(one.secret) == path(other.secret) && path(one.ca) == path(other.ca);
}

void warn_of_port(Reading& words, const ServerUrl& url, const Placed& place) {
    const bool begins_with_tls = url.port == 465;
    const bool is_usual = url.port == 25 || url.port == 587 || begins_with_tls;
    if (!is_usual || url.protocol != links::RelayProtocol::smtp ||
        begins_with_tls == url.implicit_tls()) {
        return;
    }
    ServerUrl usual = url;
    usual.scheme = begins_with_tls ? "smtps" : "submission";
    usual.has_port = false;
    words.warn(place,
               "port " + std::to_string(url.port) + " usually begins " +
                   (begins_with_tls ? "with" : "without") + " TLS, " + url.scheme + "://" +
                   (begins_with_tls ? " without it" : " with it"),
               "the usual URL is " + usual.text());
}

// The server that `word` names, and what follows it. Without a name of its own it has the URL's.
Relay read_server(Reading& words, const Word& word, std::optional<Placed> name) {
    Relay relay;
    relay.is_named = name.has_value();
    relay.name = name ? std::move(*name) : words.placed(word);
    auto url = parse_server_url(word);
    if (!url) {
        words.report(std::move(url.error()));
        return read_relay_options(words, std::move(relay), std::nullopt);
    }
    warn_of_port(words, *url, words.placed(word));
    if (!relay.is_named) relay.name.value = url->text();
    relay.url = url->full_text();
    relay.plan.protocol = url->protocol;
    relay.plan.host = url->host;
    relay.plan.port = url->port;
    relay.plan.implicit_tls = url->implicit_tls();
    return read_relay_options(words, std::move(relay), *url);
}

void add(Reading& words, Relay relay, Settings& settings) {
    if (settings.relays.size() < max_relays) return settings.relays.push_back(std::move(relay));
    settings.garbled.emplace("relay");
    words.report({relay.name.place.column, relay.name.place.length, "too many relays",
                  "at most " + std::to_string(max_relays)});
}

// "relay smtp://host": the word that is missing in front of it.
void refuse_nameless(Reading& words, const Word& url, Settings& settings) {
    settings.garbled.emplace("relay");
    const auto parsed = parse_server_url(url);
    words.refuse(url, "the name of the relay is missing in front of its URL", "relay NAME URL",
                 parsed ? "relay provider " + parsed->text() : "");
}

// Nothing where the line can't be read on.
std::optional<Placed> read_name(Reading& words, Settings& settings) {
    const Word* const word = words.word("the name");
    if (word == nullptr) return std::nullopt;
    if (looks_like_url(word->text)) {
        refuse_nameless(words, *word, settings);
        return std::nullopt;
    }
    Placed name = words.placed(*word);
    if (word->text == direct) {
        words.error(name, "\"mx\" is no relay",
                    "not in this version, which sends through servers that are named: relay NAME "
                    "URL");
    } else if (!is_name(word->text)) {
        words.refuse(*word, in_quotes(word->text) + " is not the name of a relay",
                     "a name of up to " + std::to_string(max_name) + " letters, digits, - and _");
    }
    return name;
}

std::string tls_text(const Relay& relay) {
    switch (relay.plan.tls) {
        case RelayTls::none:
            return "no TLS";
        case RelayTls::opportunistic:
            return "TLS where it is offered, certificate not verified";
        case RelayTls::required:
            break;
    }
    if (!relay.plan.pins.empty()) return "TLS required, certificate pinned";
    if (relay.ca) return "TLS required, certificate verified with " + escaped(relay.ca->value);
    return "TLS required, certificate verified";
}

std::string login_text(const Relay& relay) {
    if (relay.plan.user.empty() || !relay.secret) return "no login";
    return "login " + escaped(relay.plan.user) + " with the " +
           (relay.plan.token ? "token" : "secret") + " of " + escaped(relay.secret->value);
}

}  // namespace

void read_relay(Reading& words, Settings& settings) {
    const auto name = read_name(words, settings);
    if (!name) return;
    const Relay* const first = find(settings.relays, name->value);
    if (first != nullptr && name->value != direct) {
        words.error(*name, in_quotes(name->value) + " is a relay already",
                    "it stands in " + first->name.place.text() + "; choose another name");
    }
    const Word* const next = words.next();
    // Behind a name that is none, only what looks like a URL is taken for one.
    const bool is_lost = words.failed() && (next == nullptr || !looks_like_url(next->text));
    const Word* const url = is_lost ? nullptr : words.word("the URL");
    Relay relay;
    relay.name = *name;
    if (url != nullptr) relay = read_server(words, *url, name);
    if (first == nullptr) add(words, std::move(relay), settings);
}

std::optional<Placed> read_unnamed_relay(Reading& words, const Word& url, Settings& settings) {
    Relay relay = read_server(words, url, std::nullopt);
    if (words.failed()) return std::nullopt;
    Placed name = relay.name;
    const Relay* const first = find(settings.relays, name.value);
    if (first == nullptr) {
        add(words, std::move(relay), settings);
    } else if (!same(relay, *first)) {
        words.error(name, "this server has other options in " + first->name.place.text(),
                    "give one of the two a name: relay NAME URL");
    }
    return name;
}

std::string describe(const Relay& relay) {
    std::string text = relay.url + ", " + tls_text(relay);
    if (!relay.tls_reason.empty()) text += " (" + relay.tls_reason + ")";
    text += ", " + login_text(relay);
    for (const std::string* source : {&relay.plan.source4, &relay.plan.source6}) {
        if (!source->empty()) text += ", from " + *source;
    }
    return text;
}

}  // namespace holdfast::config
