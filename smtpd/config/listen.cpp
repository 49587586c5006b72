#include "smtpd/config/listen.h"

#include <algorithm>
#include <array>
#include <string>

#include "smtpd/config/endpoint.h"
#include "smtpd/config/network.h"

namespace holdfast::config {

namespace {

// Each may be two sockets; the parent hands at most max_packet_fds to a room in one packet.
constexpr std::size_t max_listens = 32;
constexpr std::size_t max_networks = 100;

// "listen on localhost": what stands behind the word, as it should be.
void refuse_preposition(const Word& preposition, Reading& words) {
    const Word* const address = words.word("the address");
    if (address == nullptr) return;
    const auto endpoints = parse_endpoints(*address);
    words.refuse(preposition, "unexpected " + in_quotes(preposition.text), "listen ADDRESS:PORT",
                 "listen " + (endpoints || endpoints.error().suggestion.empty()
                                  ? address->text
                                  : endpoints.error().suggestion));
}

void read_networks(Reading& words, Listen& listen) {
    listen.from = words.taken().place;
    for (const Word& word : words.list("the network")) {
        auto network = parse_network(word);
        if (!network) {
            words.report(std::move(network.error()));
        } else if (listen.networks.size() >= max_networks) {
            return words.refuse(word, "too many networks",
                                "at most " + std::to_string(max_networks));
        } else {
            listen.networks.push_back(std::move(*network));
        }
    }
    std::ranges::sort(listen.networks);
    const auto rest = std::ranges::unique(listen.networks);
    listen.networks.erase(rest.begin(), rest.end());
}

void set_tls(Listen& listen, Placed word) {
    const links::TlsMode mode =
        word.value == "smtps" ? links::TlsMode::implicit : links::TlsMode::starttls;
    for (links::ListenPlan& endpoint : listen.endpoints) endpoint.tls = mode;
    listen.tls = std::move(word);
}

// TLS and networks, in either order.
void read_options(Reading& words, Listen& listen) {
    static constexpr std::array<std::string_view, 3> names{"starttls", "smtps", "from"};
    while (const Word* const word = words.next()) {
        if (!words.choice(names)) return;
        const bool is_from = word->text == "from";
        const bool is_said = is_from ? listen.from.line != 0 : !listen.tls.value.empty();
        if (is_said) return words.refuse_unexpected(*word);
        if (is_from) {
            read_networks(words, listen);
        } else {
            set_tls(listen, words.taken());
        }
    }
}

}  // namespace

void read_listen(Reading& words, Settings& settings) {
    const Word* const word = words.word("the address");
    if (word == nullptr) return;
    if (word->text == "on" || word->text == "at") return refuse_preposition(*word, words);
    Listen listen{words.placed(*word), {}};
    if (settings.listens.size() >= max_listens) {
        return words.refuse(
            *word, "too many listen statements",
            "at most " + std::to_string(max_listens) + "; *:PORT covers every address");
    }
    if (word->text != "none") {
        auto endpoints = parse_endpoints(*word);
        if (!endpoints) return words.report(std::move(endpoints.error()));
        listen.endpoints = std::move(*endpoints);
        read_options(words, listen);
    }
    settings.listens.push_back(std::move(listen));
}

}  // namespace holdfast::config
