#include "smtpd/tls/layer.h"

#include <cerrno>
#include <cstring>

#include <openssl/err.h>

#include "smtpd/base/panic.h"
#include "smtpd/tls/certificate.h"
#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

namespace {

// OpenSSL reports an alert as this much above its number.
constexpr int alert_base = SSL_AD_REASON_OFFSET;
constexpr int last_alert = alert_base + 255;

// What an admin can do something with, in words; for the rest OpenSSL's own are good enough.
const char* plain_words(int reason) {
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_NO_PROTOCOLS_AVAILABLE:
            return "the peer offers no common version";
        case SSL_R_NO_SHARED_CIPHER:
            return "the peer offers no common cipher";
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_GROUPS:
        case SSL_R_NO_SHARED_GROUPS:
            return "the peer offers no common group";
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            return "the peer offers no signature that our certificates can give";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
            return "the peer does not speak TLS";
        default:
            return nullptr;
    }
}

std::string alert_name(int reason) {
    return "the peer sent the alert \"" +
           std::string(SSL_alert_desc_string_long(reason - alert_base)) + "\"";
}

std::string take_reason() {
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) return take_crypto_reason();
    const char* words = plain_words(reason);
    if (words == nullptr && (reason < alert_base || reason > last_alert)) {
        return take_crypto_reason();
    }
    ERR_clear_error();
    return words != nullptr ? words : alert_name(reason);
}

// SSL_set_tlsext_host_name() without its C cast; OpenSSL copies the name.
bool name_server(SSL* ssl, std::string name) {
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

// A name that a certificate shows as a whole, or by one "*" for the whole first label (RFC 6125
// section 6.4); what stands in a subject counts for nothing.
bool expect(SSL* ssl, const std::string& host) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return true;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) == 1 &&
           name_server(ssl, host);
}

PeerCertificate shown_by(SSL* ssl) {
    PeerCertificate peer;
    X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return peer;
    const long verdict = SSL_get_verify_result(ssl);
    peer.distrust = verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
    const Fingerprints fingerprints = fingerprints_of(certificate);
    peer.fingerprint = fingerprints.certificate;
    peer.key_fingerprint = fingerprints.key;
    return peer;
}

}  // namespace

struct Layer::Parts {
    std::variant<ServerContext, ClientContext> context;  // outlives `ssl`
    SslHandle ssl;
};

Layer::Layer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Layer::Layer(Layer&&) noexcept = default;
Layer& Layer::operator=(Layer&&) noexcept = default;
Layer::~Layer() = default;

Result<Layer> Layer::over(std::unique_ptr<Parts> parts, int socket) {
    if (parts->ssl == nullptr || SSL_set_fd(parts->ssl.get(), socket) != 1) {
        return crypto_error("begin TLS");
    }
    return Layer(std::move(parts));
}

Result<Layer> Layer::server(const ServerContext& context, int socket) {
    auto parts = std::make_unique<Parts>(Parts{context, SslHandle(context.new_session())});
    if (parts->ssl) SSL_set_accept_state(parts->ssl.get());
    return over(std::move(parts), socket);
}

Result<Layer> Layer::client(const ClientContext& context, int socket,
                            const std::string& server_name) {
    auto parts = std::make_unique<Parts>(Parts{context, SslHandle(context.new_session())});
    if (parts->ssl) SSL_set_connect_state(parts->ssl.get());
    if (parts->ssl && !server_name.empty() && !expect(parts->ssl.get(), server_name)) {
        return crypto_error("begin TLS with", server_name);
    }
    return over(std::move(parts), socket);
}

// Errors that others left behind would be taken for this step's: each step clears them first.
Step Layer::handshake() {
    ERR_clear_error();
    const Step step = outcome(SSL_do_handshake(parts_->ssl.get()));
    stands_ = step == Step::done;
    return step;
}

Moved Layer::read(std::span<char> into) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(parts_->ssl.get(), into.data(), into.size(), &bytes);
    return {outcome(result), bytes};
}

Moved Layer::write(std::string_view bytes) {
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(parts_->ssl.get(), bytes.data(), bytes.size(), &written);
    return {outcome(result), written};
}

// 0: ours has been sent, the peer's has not come yet.
Step Layer::close() {
    ERR_clear_error();
    const int result = SSL_shutdown(parts_->ssl.get());
    return result >= 0 ? Step::done : outcome(result);
}

bool Layer::has_pending() const {
    return SSL_pending(parts_->ssl.get()) > 0;
}

Step Layer::outcome(int result) {
    const int error = errno;
    const int kind = SSL_get_error(parts_->ssl.get(), result);
    switch (kind) {
        case SSL_ERROR_NONE:
            return Step::done;
        case SSL_ERROR_WANT_READ:
            return Step::want_read;
        case SSL_ERROR_WANT_WRITE:
            return Step::want_write;
        case SSL_ERROR_ZERO_RETURN:
            return Step::closed;
        default:
            return failure(kind, error);
    }
}

Step Layer::failure(int kind, int error) {
    const unsigned long first = ERR_peek_error();
    const bool ended = ERR_GET_LIB(first) == ERR_LIB_SSL &&
                       ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (ended || (kind == SSL_ERROR_SYSCALL && first == 0 && error == 0)) {
        ERR_clear_error();
        reason_ = stands_ ? "the peer closed the connection without ending TLS"
                          : "the peer closed the connection during the handshake";
        return Step::truncated;
    }
    reason_ = kind == SSL_ERROR_SYSCALL && first == 0 ? std::string(strerrordesc_np(error))
                                                      : take_reason();
    return Step::failed;
}

Secured Layer::facts() const {
    SSL* ssl = parts_->ssl.get();
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return {SSL_get_version(ssl),
            SSL_get_cipher_name(ssl),
            name != nullptr ? name : "",
            SSL_session_reused(ssl) == 1,
            0,
            SSL_is_server(ssl) == 1 ? PeerCertificate{} : shown_by(ssl)};
}

}  // namespace holdfast::tls
