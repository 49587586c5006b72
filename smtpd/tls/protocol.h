// What both sides of our TLS have in common: versions, ciphers, groups, signatures.
#pragma once

#include "smtpd/base/error.h"
#include "smtpd/tls/crypto_library.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

// TLS 1.2 with forward secrecy, and 1.3; no renegotiation, no compression, no early data.
Result<SslContextHandle> new_ssl_context(const CryptoLibrary& library, const SSL_METHOD* method);

}  // namespace holdfast::tls
