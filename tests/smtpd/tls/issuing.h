// Makes keys and certificates for tests: none stands in the repository, so none expires there.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/unique_fd.h"
#include "smtpd/tls/certificate.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

inline constexpr KeyKind all_kinds[] = {KeyKind::rsa, KeyKind::ecdsa_p256, KeyKind::ecdsa_p384,
                                        KeyKind::ed25519};

KeyHandle new_key(KeyKind kind);
// The first key of its kind that was asked for: keys of RSA take their time.
EVP_PKEY* shared_key(KeyKind kind);

// Of an EVP_PKEY of any type: "RSA" with bits, "EC" with a curve.
KeyHandle new_rsa_key(int bits);
KeyHandle new_ec_key(const char* curve);

struct Issue {
    std::vector<std::string> names = {};
    std::string common_name = "test";
    long from = -3600;  // seconds from now
    long until = 86400;
    EVP_PKEY* issuer_key = nullptr;  // none: signed with its own key
    X509* issuer = nullptr;
    bool authority = false;  // may sign others
};

X509Handle issue(EVP_PKEY* key, const Issue& wanted);

std::string pem_of(X509* certificate);
enum class KeyForm : std::uint8_t { pkcs8, traditional, pkcs8_encrypted, traditional_encrypted };
std::string pem_of(EVP_PKEY* key, KeyForm form = KeyForm::pkcs8);

// An open file with these contents.
UniqueFd file_with(const std::string& text);
// Where only the key beside it matters.
UniqueFd any_chain();

// A chain of one certificate for the shared key of this kind.
CertificateChain chain_for(KeyKind kind, std::vector<std::string> names);

}  // namespace holdfast::tls
