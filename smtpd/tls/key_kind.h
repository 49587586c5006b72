// Which kind a key of OpenSSL's is, as far as Holdfast uses it.
#pragma once

#include "smtpd/base/error.h"
#include "smtpd/tls/certificate.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

inline constexpr int min_rsa_bits = 2048;
inline constexpr int max_rsa_bits = 8192;

// Fails with what the key is and what it should be.
Result<KeyKind> kind_of(const EVP_PKEY* key);

// SubjectPublicKeyInfo in DER; empty where OpenSSL can't say.
std::string public_key_of(const EVP_PKEY* key);

}  // namespace holdfast::tls
