#include "smtpd/tls/protocol.h"

#include "smtpd/tls/crypto_error.h"

namespace holdfast::tls {

namespace {

// Of TLS 1.2; those with CBC come last, for old servers. Signer signs no other key exchange.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL";
constexpr const char* groups = "X25519:P-256:P-384";
// Those of links/smtpin_signer.h.
constexpr const char* signatures =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ed25519:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

}  // namespace

Result<SslContextHandle> new_ssl_context(const CryptoLibrary& library, const SSL_METHOD* method) {
    SslContextHandle context(SSL_CTX_new_ex(library.context(), nullptr, method));
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), ciphers) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), groups) != 1 ||
        SSL_CTX_set1_sigalgs_list(context.get(), signatures) != 1) {
        return crypto_error("set up TLS");
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // A session that waits holds no buffers of its own; a write that was put off may come again
    // from another place, with more behind it.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Without it a peer that sends nothing but records without data (RFC 8446 section 4.6.3) would
    // hold a read for as long as it likes.
    SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    return context;
}

}  // namespace holdfast::tls
