// Logins, the client's side (RFC 4422): which mechanism, and what it says. The password is given
// to no server that could do with less, and in clear to none but over TLS, unless smtpd.conf wants
// none. Pure; bytes in and out, base 64 is login.h's business.
//
// Names and passwords are taken as their bytes: SASLprep (RFC 4013) changes nothing of ASCII, and
// what it would make of other characters is left to those who set the password.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "smtpd/base/error.h"
#include "smtpd/relay/sasl_password.h"
#include "smtpd/relay/scram.h"

namespace holdfast::relay {

enum class SecretKind : std::uint8_t {
    password,
    token,  // of OAuth 2: good for XOAUTH2 only
};

struct Credentials {
    std::string user;  // empty: there is no login
    std::string secret;
    SecretKind kind = SecretKind::password;
};

enum class Mechanism : std::uint8_t { scram_sha_256, cram_md5, plain, login, xoauth2 };

std::string_view name_of(Mechanism mechanism);

// Whether the secret may go out as it is, for everyone to read who reads the connection.
enum class ClearSecret : std::uint8_t { forbidden, allowed };

// The best of those offered (Extensions::auth); nothing where none will do.
std::optional<Mechanism> choose_mechanism(std::span<const std::string> offered, SecretKind kind,
                                          ClearSecret clear);

// One login by one mechanism.
class SaslClient {
  public:
    // `nonce` is fresh for each login: printable, without commas. SCRAM alone needs it.
    SaslClient(Mechanism mechanism, const Credentials& credentials, const std::string& nonce);

    // What is said first, where it is not for the server to begin.
    std::optional<std::string> initial() const;
    // The answer to a challenge. An error: the server is not to be talked to any more, for it says
    // what makes no sense, or has not proved that it knows the password.
    Result<std::string> respond(std::string_view challenge);
    // Whether a success may be believed: a server that has something to prove has done so.
    bool satisfied() const;

  private:
    std::variant<SaslPlain, SaslLogin, CramMd5, XOAuth2, ScramSha256> exchange_;
};

}  // namespace holdfast::relay
