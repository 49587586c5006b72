#include "smtpd/config/relay_options.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "smtpd/base/suggest.h"
#include "smtpd/config/network.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

using links::RelayTls;

constexpr std::string_view secret_prefix = "file:";
constexpr std::string_view pin_prefix = "sha256:";
constexpr std::size_t pin_digits = 64;
constexpr std::size_t max_user = 255;  // bytes
constexpr Range connection_count{1, 100};

constexpr std::array options{
    RelayOption{"connections", "connections NUMBER"},
    RelayOption{"secret", "secret file:PATH"},
    RelayOption{"source", "source ADDRESS, ..."},
    RelayOption{"tls", "tls none | opportunistic | require | ca FILE | pin sha256:HEX, ..."},
    RelayOption{"token", "token"},
    RelayOption{"user", "user USER"},
};

constexpr auto option_names = [] {
    std::array<std::string_view, options.size()> names;
    std::ranges::transform(options, names.begin(), &RelayOption::name);
    return names;
}();

bool is_hexadecimal(char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'f');
}

// "sha256:" and the digits, which openssl(1) shows with a colon between two bytes.
std::optional<std::string> parse_pin(std::string_view text) {
    if (!ascii::equal(text.substr(0, pin_prefix.size()), pin_prefix)) return std::nullopt;
    std::string digits = ascii::lower_case(text.substr(pin_prefix.size()));
    if (digits.size() == pin_digits + pin_digits / 2 - 1) std::erase(digits, ':');
    const bool is_right =
        digits.size() == pin_digits && std::ranges::all_of(digits, is_hexadecimal);
    return is_right ? std::optional(digits) : std::nullopt;
}

class OptionsReader {
  public:
    OptionsReader(Reading& words, Relay relay, const std::optional<ServerUrl>& url)
        : words_(words), relay_(std::move(relay)), url_(url) {}

    Relay read() {
        while (!lost_ && !words_.at_end()) read_option();
        if (!words_.failed()) check_login();
        if (!words_.failed() && url_) settle_tls();
        return std::move(relay_);
    }

  private:
    void read_option() {
        if (words_.next()->text.find_first_of("=:") != std::string::npos) return refuse_joined();
        const auto at = words_.choice(option_names);
        if (!at) return lose();
        words_.begin_part(options.at(*at).syntax);
        const Placed word = words_.taken();
        const auto [first, is_new] = said_.try_emplace(option_names.at(*at), word);
        if (!is_new) {
            words_.refuse({word.value, word.place.column, word.place.length},
                          in_quotes(word.value) + " is said twice", "each option once");
        }
        read_values(word);
    }

    // "secret=x": what stands behind the sign is not repeated.
    void refuse_joined() {
        const Word& word = *words_.next();
        const std::string_view key =
            std::string_view(word.text).substr(0, word.text.find_first_of("=:"));
        const auto* const option = std::ranges::find(options, key, &RelayOption::name);
        if (option == options.end()) {
            words_.refuse(part_of(word, key), "unknown word " + in_quotes(key),
                          alternatives(option_names), suggest(key, option_names));
        } else {
            words_.refuse(part_of(word, key), "no space behind " + in_quotes(key),
                          std::string(option->syntax));
        }
        lose();
    }

    void read_values(const Placed& option) {
        if (option.value == "connections") return read_connections();
        if (option.value == "secret") return read_secret(option);
        if (option.value == "source") return read_sources();
        if (option.value == "tls") return read_tls();
        if (option.value == "token") return read_token(option);
        read_user();
    }

    // What follows can't be told apart.
    void lose() { lost_ = true; }

    void read_connections() {
        std::uint32_t& most = relay_.plan.max_connections;
        most = static_cast<std::uint32_t>(words_.quantity(a_number, connection_count, most));
    }

    // What stands there instead of a file is perhaps the secret: it is not repeated, and neither is
    // what follows.
    void read_secret(const Placed& option) {
        const Word* const word = words_.word("the file of the secret");
        if (word == nullptr) return lose();
        if (!word->text.starts_with(secret_prefix)) {
            words_.report({option.place.column, option.place.length,
                           "a secret is not written into this file",
                           "secret file:PATH, a file of its own that root alone may read"});
            return lose();
        }
        const std::string_view path = std::string_view(word->text).substr(secret_prefix.size());
        relay_.secret = words_.path_of(part_of(*word, path));
    }

    void read_token(const Placed& option) {
        const Word* const next = words_.next();
        relay_.plan.token = true;
        if (next == nullptr || std::ranges::find(option_names, next->text) != option_names.end())
            return;
        words_.report({option.place.column, option.place.length, "\"token\" stands alone",
                       "token user USER secret file:PATH, with the token in that file"});
        lose();
    }

    void read_user() {
        const Word* const word = words_.word("the user");
        if (word == nullptr) return lose();
        if (word->text.empty() || word->text.size() > max_user) {
            return words_.refuse(*word, in_quotes(word->text) + " is not a user",
                                 "from 1 to " + std::to_string(max_user) + " bytes");
        }
        relay_.plan.user = word->text;
    }

    void read_sources() {
        for (const Word& word : words_.list("the address")) read_source(word);
    }

    void read_source(const Word& word) {
        const auto ipv4 = canonical_ip(AF_INET, word.text);
        const auto ipv6 = ipv4 ? std::nullopt : canonical_ip(AF_INET6, word.text);
        const std::string address = ipv4 ? *ipv4 : ipv6.value_or("");
        if (address.empty() || address == "0.0.0.0" || address == "::" ||
            address.starts_with("::ffff:")) {
            return words_.refuse(word, in_quotes(word.text) + " is not an address to send from",
                                 "an IPv4 or IPv6 address of this machine");
        }
        std::string& source = ipv4 ? relay_.plan.source4 : relay_.plan.source6;
        if (!source.empty()) {
            return words_.refuse(word, "a second source of the same kind",
                                 "one IPv4 address and one IPv6 address");
        }
        source = address;
    }

    void read_tls() {
        static constexpr std::array<std::string_view, 5> modes{"none", "opportunistic", "require",
                                                               "ca", "pin"};
        if (!words_.choice(modes)) return lose();
        tls_ = words_.taken();
        const std::string& mode = tls_->value;
        relay_.tls_reason = "tls " + mode;
        relay_.plan.tls = mode == "none"            ? RelayTls::none
                          : mode == "opportunistic" ? RelayTls::opportunistic
                                                    : RelayTls::required;
        if (mode == "ca") relay_.ca = words_.path("the file of the certificates");
        if (mode == "pin") read_pins();
    }

    void read_pins() {
        for (const Word& word : words_.list("the fingerprint")) {
            if (auto pin = parse_pin(word.text)) {
                relay_.plan.pins.push_back(std::move(*pin));
            } else {
                words_.refuse(word, in_quotes(word.text) + " is not a fingerprint",
                              "sha256: and " + std::to_string(pin_digits) +
                                  " hexadecimal digits of a certificate or a public key");
            }
        }
    }

    // An option that needs another one.
    void check_needs(std::string_view option, std::string_view other, std::string note) {
        const auto given = said_.find(option);
        if (given == said_.end() || said_.contains(other)) return;
        words_.error(given->second, in_quotes(option) + " without " + in_quotes(other),
                     std::move(note));
    }

    void check_login() {
        check_needs("user", "secret", "add the file of the password: secret file:PATH");
        check_needs("secret", "user", "add who logs in: user USER");
        if (!words_.failed())
            check_needs("token", "user", "add the login: user USER secret file:PATH");
    }

    void settle_tls() {
        if (tls_) return check_tls();
        const bool logs_in = !relay_.plan.user.empty();
        relay_.plan.tls =
            url_->requires_tls() || logs_in ? RelayTls::required : RelayTls::opportunistic;
        relay_.tls_reason = logs_in && !url_->requires_tls() ? "default with a login"
                                                             : "default of " + url_->scheme + "://";
    }

    // What TLS less than required means for this server.
    void check_tls() {
        if (relay_.plan.tls == RelayTls::required) return;
        if (url_->implicit_tls()) {
            return words_.error(*tls_,
                                in_quotes(relay_.tls_reason) + " with smtps://, which is TLS",
                                "leave it out; or, for a certificate that this machine does not "
                                "trust: tls ca FILE, or tls pin sha256:HEX");
        }
        if (relay_.plan.user.empty() || is_loopback(url_->host)) return;
        const std::string secret = relay_.plan.token ? "the token" : "the password";
        words_.warn(*tls_,
                    secret + (relay_.plan.tls == RelayTls::none
                                  ? " travels in clear"
                                  : " is told to a server whose certificate is not verified"),
                    "leave " + in_quotes(relay_.tls_reason) + " out, and TLS is required");
    }

    Reading& words_;
    Relay relay_;
    const std::optional<ServerUrl>& url_;
    std::map<std::string_view, Placed> said_;
    std::optional<Placed> tls_;  // the word behind `tls`
    bool lost_ = false;
};

}  // namespace

std::span<const RelayOption> relay_options() {
    return options;
}

Relay read_relay_options(Reading& words, Relay relay, const std::optional<ServerUrl>& url) {
    return OptionsReader(words, std::move(relay), url).read();
}

}  // namespace holdfast::config
