#include "smtpd/config/url.h"

#include <algorithm>
#include <array>
#include <optional>

#include <sys/socket.h>

#include "smtpd/base/suggest.h"
#include "smtpd/config/network.h"
#include "smtpd/config/quantity.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

using links::RelayProtocol;

struct Scheme {
    std::string_view name;
    RelayProtocol protocol;
    std::uint16_t port;
};

constexpr std::array schemes{
    Scheme{"smtps", RelayProtocol::smtp, 465},
    Scheme{"submission", RelayProtocol::smtp, 587},
    Scheme{"smtp", RelayProtocol::smtp, 25},
    Scheme{"lmtp", RelayProtocol::lmtp, 24},
};
constexpr std::string_view expected_schemes = "smtps:// submission:// smtp:// or lmtp://";
constexpr std::string_view expected_url = "a URL such as smtps://smtp.example.com";
constexpr std::string_view expected_host =
    "a host name, an IPv4 address or an IPv6 address in brackets";
constexpr std::string_view separator = "://";

const Scheme* find_scheme(std::string_view name) {
    const auto* const found = std::ranges::find_if(
        schemes, [&](const Scheme& scheme) { return ascii::equal(scheme.name, name); });
    return found == schemes.end() ? nullptr : found;
}

bool has_colon(std::string_view host) {
    return host.find(':') != std::string_view::npos;
}

// A name whose last label is a number is an address that went wrong.
bool is_host_name(std::string_view text) {
    const std::string_view last = text.substr(text.rfind('.') + 1);
    return is_domain_name(text) && !std::ranges::all_of(last, ascii::is_digit);
}

// One word while it is read.
class UrlReader {
  public:
    explicit UrlReader(Word word) : word_(std::move(word)), text_(word_.text) {}

    std::expected<ServerUrl, Fault> read() const {
        // First of all, for nothing of such a word may be repeated.
        if (text_.contains('@')) return refuse_user();
        const std::size_t end = text_.find(separator);
        if (end == std::string_view::npos) return refuse_no_scheme();
        const Scheme* const scheme = find_scheme(text_.substr(0, end));
        if (scheme == nullptr) {
            return refuse_scheme(text_.substr(0, end));
        }
        ServerUrl url;
        url.scheme = scheme->name;
        url.protocol = scheme->protocol;
        url.port = scheme->port;
        return read_server(std::move(url), text_.substr(end + separator.size()));
    }

  private:
    using Result = std::expected<ServerUrl, Fault>;

    Result read_server(ServerUrl url, std::string_view rest) const {
        const std::string_view server = rest.substr(0, rest.find_first_of("/?#"));
        if (server.empty()) return refuse_no_host(url, rest);
        if (server.size() < rest.size()) {
            return part(rest.substr(server.size()), "a server has no path",
                        "nothing behind the host and its port; options follow as words",
                        mended(text_.substr(0, text_.size() - rest.size() + server.size())));
        }
        if (canonical_ip(AF_INET6, server)) {
            return part(server, "IPv6 address without brackets", std::string(expected_host),
                        url.scheme + "://[" + std::string(server) + "]");
        }
        const std::size_t colon = server.ends_with(']') ? server.npos : server.rfind(':');
        if (colon != server.npos) {
            const std::string_view digits = server.substr(colon + 1);
            const auto port = parse_number(digits);
            if (!port || *port < 1 || *port > 65535) {
                return part(digits, in_quotes(digits) + " is not a port",
                            "a number from 1 to 65535");
            }
            url.port = static_cast<std::uint16_t>(*port);
            url.has_port = true;
        }
        return read_host(std::move(url), server.substr(0, colon));
    }

    Result read_host(ServerUrl url, std::string_view host) const {
        const bool in_brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
        const auto ip = in_brackets ? canonical_ip(AF_INET6, host.substr(1, host.size() - 2))
                                    : canonical_ip(AF_INET, host);
        if (ip && (*ip == "0.0.0.0" || *ip == "::" || ip->starts_with("::ffff:"))) {
            return part(host, in_quotes(host) + " is no server's address",
                        std::string(expected_host));
        }
        if (!ip && !is_host_name(host)) {
            const std::string_view without_dot = host.substr(0, host.find_last_not_of('.') + 1);
            const bool dotted = without_dot != host && is_host_name(without_dot);
            return part(host, in_quotes(host) + " is not a host", std::string(expected_host),
                        dotted ? std::string(without_dot) : "");
        }
        url.host = ip ? *ip : ascii::lower_case(host);
        return url;
    }

    // "me:password@host": where its parts belong.
    std::unexpected<Fault> refuse_user() const {
        const std::size_t scheme = text_.find(separator);
        const std::size_t at = text_.rfind('@');
        const std::size_t from =
            scheme == std::string_view::npos || scheme > at ? 0 : scheme + separator.size();
        const std::string server = from == 0 ? "" : std::string(text_.substr(0, from));
        return part(text_.substr(from, at - from), "the user does not stand in the URL",
                    "words behind the URL: user USER secret file:PATH",
                    server.empty() ? "" : mended(server + std::string(text_.substr(at + 1))));
    }

    std::unexpected<Fault> refuse_scheme(std::string_view name) const {
        std::array<std::string_view, schemes.size()> names;
        std::ranges::transform(schemes, names.begin(), &Scheme::name);
        const std::string meant = suggest(name, names);
        return part(name, "unknown protocol " + in_quotes(name), std::string(expected_schemes),
                    meant.empty() ? "" : meant + std::string(separator));
    }

    std::unexpected<Fault> refuse_no_scheme() const {
        const std::string_view name = text_.substr(0, text_.find(':'));
        if (ascii::equal(name, "lmtp") && text_.substr(name.size()).starts_with(":/")) {
            return refuse_path(text_.substr(name.size() + 1));
        }
        std::string meant;
        if (find_scheme(name) != nullptr && name.size() < text_.size()) {
            std::string_view rest = text_.substr(name.size() + 1);
            while (rest.starts_with('/')) rest.remove_prefix(1);
            meant = mended(std::string(name).append(separator).append(rest));
        } else {
            meant = mended(by_port());
        }
        return std::unexpected(fault_of(word_, "no protocol in " + in_quotes(text_),
                                        std::string(expected_url), std::move(meant)));
    }

    // "smtp.example.com:587", with the protocol that goes with the port.
    std::string by_port() const {
        const std::string_view port = text_.substr(std::min(text_.rfind(':'), text_.size()));
        const auto* const usual = std::ranges::find_if(schemes, [&](const Scheme& scheme) {
            return port == ":" + std::to_string(scheme.port);
        });
        const std::string_view scheme = usual == schemes.end() ? schemes.front().name : usual->name;
        const std::string_view server =
            usual == schemes.end() ? text_ : text_.substr(0, text_.size() - port.size());
        return std::string(scheme).append(separator).append(server);
    }

    std::unexpected<Fault> refuse_no_host(const ServerUrl& url, std::string_view rest) const {
        if (url.protocol == RelayProtocol::lmtp && rest.starts_with('/')) return refuse_path(rest);
        return std::unexpected(fault_of(word_, "no host in " + in_quotes(text_),
                                        url.scheme + "://HOST or " + url.scheme + "://HOST:PORT"));
    }

    std::unexpected<Fault> refuse_path(std::string_view path) const {
        return part(path, "LMTP to a socket in the file system",
                    "lmtp://HOST or lmtp://HOST:PORT, which is LMTP over TCP");
    }

    // The text where it is right.
    static std::string mended(std::string_view text) {
        const Word word{std::string(text), 1, static_cast<std::uint32_t>(text.size())};
        if (text.contains('@') || !text.contains(separator)) return {};
        const auto url = UrlReader(word).read();
        return url ? url->text() : std::string();
    }

    std::unexpected<Fault> part(std::string_view piece, std::string message, std::string expected,
                                std::string suggestion = {}) const {
        return std::unexpected(fault_of(part_of(word_, piece), std::move(message),
                                        std::move(expected), std::move(suggestion)));
    }

    Word word_;
    std::string_view text_;
};

std::string server_text(const ServerUrl& url) {
    return url.scheme + "://" + (has_colon(url.host) ? "[" + url.host + "]" : url.host);
}

}  // namespace

std::string ServerUrl::text() const {
    return has_port ? full_text() : server_text(*this);
}

std::string ServerUrl::full_text() const {
    return server_text(*this) + ":" + std::to_string(port);
}

std::expected<ServerUrl, Fault> parse_server_url(const Word& word) {
    return UrlReader(word).read();
}

bool looks_like_url(std::string_view text) {
    const std::size_t colon = text.find(':');
    return text.contains(separator) || text.contains('@') ||
           (colon != std::string_view::npos && find_scheme(text.substr(0, colon)) != nullptr);
}

bool is_loopback(std::string_view host) {
    const bool is_ipv4 = canonical_ip(AF_INET, host).has_value();
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
           (is_ipv4 && host.starts_with("127."));
}

}  // namespace holdfast::config
