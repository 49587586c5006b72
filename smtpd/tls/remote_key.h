// A key of OpenSSL's whose private half is somewhere else: an OpenSSL provider with one signature
// operation, which hands the text over and takes a signature back. It can sign a handshake's
// text in one piece and nothing else: no digest, no decryption, no export.
#pragma once

#include <memory>

#include "smtpd/tls/certificate.h"
#include "smtpd/tls/crypto_library.h"
#include "smtpd/tls/openssl.h"
#include "smtpd/tls/sign.h"

namespace holdfast::tls {

struct RemoteKey {
    std::shared_ptr<const CryptoLibrary> library;
    KeyHandle public_half;  // made in `library`
    KeyKind kind = KeyKind::rsa;
    links::KeyId id;
    SignFunction sign;
};

// What SSL_CTX_use_PrivateKey takes.
Result<KeyHandle> make_remote_key(RemoteKey key);

// For CryptoLibrary.
inline constexpr const char* remote_key_provider = "holdfast-remote-keys";
extern "C" int start_remote_key_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                                         const OSSL_DISPATCH** out, void** context);

}  // namespace holdfast::tls
