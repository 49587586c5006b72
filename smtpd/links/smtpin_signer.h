// smtpin <-> signer: one signature of a TLS server's handshake at a time. The bytes themselves go
// over, not their hash: signer sees what it signs, and signs nothing but handshakes.
#pragma once

#include <string>
#include <variant>

#include "smtpd/links/codec.h"

namespace holdfast::links {

// A private key that signer holds: a set of keys is loaded, and later forgotten, together.
struct KeyId {
    std::uint64_t set = 0;
    std::uint32_t number = 0;
    friend bool operator==(const KeyId&, const KeyId&) = default;
};

// Of RFC 8446 section 4.2.3, those that a server of ours uses. PSS salts are as long as the hash.
enum class SignatureScheme : std::uint8_t {
    rsa_pkcs1_sha256,
    rsa_pkcs1_sha384,
    rsa_pkcs1_sha512,
    rsa_pss_sha256,
    rsa_pss_sha384,
    rsa_pss_sha512,
    ecdsa_sha256,
    ecdsa_sha384,
    ed25519,
};
template <>
inline constexpr unsigned enum_limit<SignatureScheme> = 9;

struct Sign {
    std::uint64_t request = 0;
    KeyId key;
    SignatureScheme scheme = SignatureScheme::rsa_pss_sha256;
    std::string text;  // what a TLS server signs, whole
};

// Either a signature, or why there is none.
struct Signed {
    std::uint64_t request = 0;
    std::string signature;
    std::string refusal;
};

using SmtpinToSigner = std::variant<Sign>;
using SignerToSmtpin = std::variant<Signed>;

}  // namespace holdfast::links
