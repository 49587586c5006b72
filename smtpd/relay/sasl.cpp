#include "smtpd/relay/sasl.h"

#include <algorithm>
#include <array>

namespace holdfast::relay {

namespace {

struct Kind {
    Mechanism mechanism;
    std::string_view name;
    SecretKind secret;
    ClearSecret clear;  // what it takes
};

// The best first.
constexpr std::array kinds{
    Kind{Mechanism::scram_sha_256, "SCRAM-SHA-256", SecretKind::password, ClearSecret::forbidden},
    Kind{Mechanism::cram_md5, "CRAM-MD5", SecretKind::password, ClearSecret::forbidden},
    Kind{Mechanism::plain, "PLAIN", SecretKind::password, ClearSecret::allowed},
    Kind{Mechanism::login, "LOGIN", SecretKind::password, ClearSecret::allowed},
    Kind{Mechanism::xoauth2, "XOAUTH2", SecretKind::token, ClearSecret::allowed},
};

std::variant<SaslPlain, SaslLogin, CramMd5, XOAuth2, ScramSha256> begin(
    Mechanism mechanism, const Credentials& credentials, const std::string& nonce) {
    const auto& [user, secret, kind] = credentials;
    switch (mechanism) {
        case Mechanism::scram_sha_256:
            return ScramSha256(user, secret, nonce);
        case Mechanism::cram_md5:
            return CramMd5(user, secret);
        case Mechanism::plain:
            return SaslPlain(user, secret);
        case Mechanism::login:
            return SaslLogin(user, secret);
        case Mechanism::xoauth2:
            break;
    }
    return XOAuth2(user, secret);
}

}  // namespace

std::string_view name_of(Mechanism mechanism) {
    return std::ranges::find(kinds, mechanism, &Kind::mechanism)->name;
}

std::optional<Mechanism> choose_mechanism(std::span<const std::string> offered, SecretKind kind,
                                          ClearSecret clear) {
    for (const Kind& known : kinds) {
        if (known.secret != kind) continue;
        if (known.clear == ClearSecret::allowed && clear == ClearSecret::forbidden) continue;
        if (std::ranges::find(offered, known.name) != offered.end()) return known.mechanism;
    }
    return std::nullopt;
}

SaslClient::SaslClient(Mechanism mechanism, const Credentials& credentials,
                       const std::string& nonce)
    : exchange_(begin(mechanism, credentials, nonce)) {}

std::optional<std::string> SaslClient::initial() const {
    return std::visit([](const auto& exchange) { return exchange.initial(); }, exchange_);
}

Result<std::string> SaslClient::respond(std::string_view challenge) {
    return std::visit([&](auto& exchange) { return exchange.respond(challenge); }, exchange_);
}

bool SaslClient::satisfied() const {
    return std::visit([](const auto& exchange) { return exchange.satisfied(); }, exchange_);
}

}  // namespace holdfast::relay
