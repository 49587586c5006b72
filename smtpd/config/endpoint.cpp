#include "smtpd/config/endpoint.h"

#include <array>

#include <sys/socket.h>

#include "smtpd/base/suggest.h"
#include "smtpd/config/network.h"
#include "smtpd/config/quantity.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

using links::ListenPlan;

constexpr std::string_view expected_address =
    "an IPv4 address, an IPv6 address in brackets, * or localhost";
constexpr std::string_view expected_form = "ADDRESS:PORT, such as localhost:25, *:25 or [::1]:25";

constexpr std::array<std::string_view, 1> address_words{"localhost"};

// One word while it is read.
class EndpointReader {
  public:
    explicit EndpointReader(Word word)
        : word_(std::move(word)), colon_(std::min(word_.text.rfind(':'), word_.text.size())) {}

    std::expected<std::vector<ListenPlan>, Fault> read() const {
        if (canonical_ip(AF_INET6, word_.text)) {
            return whole("IPv6 address without brackets", "[" + word_.text + "]:25");
        }
        if (parse_number(word_.text)) {
            return std::unexpected(fault_of(word_, "no address in " + in_quotes(word_.text),
                                            "*:" + word_.text + " (every address) or localhost:" +
                                                word_.text + " (this machine's own programs)"));
        }
        if (colon_ == word_.text.size() || word_.text.ends_with("]")) {
            return whole("no port in " + in_quotes(word_.text), with_port(word_.text));
        }
        auto plans = read_address();
        if (!plans) return plans;
        const std::string_view digits = std::string_view(word_.text).substr(colon_ + 1);
        const auto port = parse_number(digits);
        if (!port || *port < 1 || *port > 65535) {
            return part(digits, in_quotes(digits) + " is not a port", "a number from 1 to 65535");
        }
        for (ListenPlan& plan : *plans) {
            plan.port = static_cast<std::uint16_t>(*port);
            plan.text =
                (plan.ipv6 ? "[" + plan.address + "]" : plan.address) + ":" + std::to_string(*port);
        }
        return plans;
    }

  private:
    std::expected<std::vector<ListenPlan>, Fault> read_address() const {
        const std::string_view text = std::string_view(word_.text).substr(0, colon_);
        if (text == "*") return both("0.0.0.0", "::");
        if (ascii::equal(text, "localhost")) return both("127.0.0.1", "::1");
        if (auto ipv4 = canonical_ip(AF_INET, text))
            return std::vector{ListenPlan{.address = *ipv4}};
        const bool in_brackets = text.size() >= 2 && text.front() == '[' && text.back() == ']';
        auto ipv6 =
            in_brackets ? canonical_ip(AF_INET6, text.substr(1, text.size() - 2)) : std::nullopt;
        if (!ipv6) {
            return part(text, "unknown address " + in_quotes(text), expected_address,
                        suggest(text, address_words));
        }
        if (ipv6->starts_with("::ffff:")) {
            return part(text, "IPv4 address in an IPv6 form", "the IPv4 address itself",
                        ipv6->substr(7));
        }
        return std::vector{ListenPlan{.address = *ipv6, .ipv6 = true}};
    }

    static std::vector<ListenPlan> both(const char* ipv4, const char* ipv6) {
        return {{.address = ipv4, .if_available = true},
                {.address = ipv6, .ipv6 = true, .if_available = true}};
    }

    static bool is_right(const std::string& text) {
        return EndpointReader({text, 1, static_cast<std::uint32_t>(text.size())})
            .read()
            .has_value();
    }

    // What was probably meant, without a colon: an address, or another sign in its place ("*.25").
    static std::string with_port(const std::string& text) {
        if (is_right(text + ":25")) return text + ":25";
        const std::size_t sign = text.find_last_of(".,;");
        if (sign != std::string::npos) {
            std::string mended = text;
            mended[sign] = ':';
            if (is_right(mended)) return mended;
        }
        const std::string host = suggest(text, address_words);
        return host.empty() ? "" : host + ":25";
    }

    std::unexpected<Fault> whole(std::string message, std::string suggestion) const {
        return std::unexpected(
            fault_of(word_, std::move(message), std::string(expected_form), std::move(suggestion)));
    }

    // A part of the word, for the caret.
    std::unexpected<Fault> part(std::string_view piece, std::string message,
                                std::string_view expected, std::string suggestion = {}) const {
        return std::unexpected(fault_of(part_of(word_, piece), std::move(message),
                                        std::string(expected), std::move(suggestion)));
    }

    Word word_;
    std::size_t colon_;
};

}  // namespace

std::expected<std::vector<ListenPlan>, Fault> parse_endpoints(const Word& word) {
    return EndpointReader(word).read();
}

bool covers(const ListenPlan& one, const ListenPlan& other) {
    const bool wildcard = one.address == (one.ipv6 ? "::" : "0.0.0.0");
    return one.ipv6 == other.ipv6 && one.port == other.port &&
           (wildcard || one.address == other.address);
}

}  // namespace holdfast::config
