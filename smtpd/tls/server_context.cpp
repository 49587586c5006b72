#include "smtpd/tls/server_context.h"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_map>

#include <openssl/err.h>

#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/protocol.h"
#include "smtpd/tls/remote_key.h"
#include "smtpd/tls/ticket_keys.h"

namespace holdfast::tls {

namespace {

// A session resumes in every context of ours that has its ticket key.
constexpr std::string_view session_scope = "holdfast smtpin";

// Certificates that serve the same names with different kinds of keys.
struct Site {
    std::vector<std::string> names;
    std::vector<KeyKind> kinds;
    SslContextHandle context;
};

X509Handle read_certificate(OSSL_LIB_CTX* library, const std::string& der) {
    X509* certificate = X509_new_ex(library, nullptr);
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    if (certificate != nullptr) d2i_X509(&certificate, &at, static_cast<long>(der.size()));
    return X509Handle(certificate);
}

Status use_chain(SSL_CTX* context, OSSL_LIB_CTX* library, const CertificateChain& chain) {
    const auto& certificates = chain.certificates();
    const X509Handle leaf = read_certificate(library, certificates.front().der);
    if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return crypto_error("use the certificate of", chain.name());
    }
    for (std::size_t i = 1; i < certificates.size(); ++i) {
        const X509Handle issuer = read_certificate(library, certificates[i].der);
        if (issuer == nullptr || SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
            return crypto_error("use the chain of", chain.name());
        }
    }
    return {};
}

bool has_kind(const Site& site, KeyKind kind) {
    return std::ranges::any_of(site.kinds, [&](KeyKind other) { return same_choice(kind, other); });
}

// Mail has no name registered for RFC 7301; a client that asks for another protocol is one of a
// browser that somebody has led here, with a certificate that both servers have.
int on_protocols(SSL*, const unsigned char** chosen, unsigned char* length,
                 const unsigned char* offered, unsigned size, void*) noexcept {
    static constexpr unsigned char ours[] = "\4smtp\5esmtp";
    unsigned char* found = nullptr;
    const int how = SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, size);
    *chosen = found;
    return how == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

struct ServerContext::State {
    State(std::shared_ptr<const CryptoLibrary> lib, TicketKeys keys, SignFunction function)
        : library(std::move(lib)), ticket_keys(std::move(keys)), sign(std::move(function)) {}

    Status add(const ServerCertificate& certificate);
    Result<Site*> site_for(const CertificateChain& chain);
    Status use_key(SSL_CTX* context, const ServerCertificate& certificate) const;
    SSL_CTX* find(std::string_view host) const;
    static int on_server_name(SSL* ssl, int* alert, void* state) noexcept;

    std::shared_ptr<const CryptoLibrary> library;
    TicketKeys ticket_keys;
    SignFunction sign;
    std::deque<Site> sites;  // the first is the default
    std::unordered_map<std::string, SSL_CTX*> by_name;
};

Result<Site*> ServerContext::State::site_for(const CertificateChain& chain) {
    for (Site& site : sites) {
        if (site.names == chain.leaf().names && !has_kind(site, chain.key_kind())) return &site;
    }
    auto context = new_ssl_context(*library, TLS_server_method());
    if (!context) return context.error().pass();
    SSL_CTX* fresh = context->get();
    SSL_CTX_set_options(fresh, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_id_context(fresh,
                                   reinterpret_cast<const unsigned char*>(session_scope.data()),
                                   static_cast<unsigned>(session_scope.size()));
    // What SSL_CTX_set_tlsext_servername_callback() and ..._arg() do with C casts.
    SSL_CTX_callback_ctrl(fresh, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(on_server_name));
    SSL_CTX_ctrl(fresh, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, this);
    SSL_CTX_set_alpn_select_cb(fresh, on_protocols, nullptr);
    ticket_keys.install(fresh);
    sites.push_back({chain.leaf().names, {}, std::move(*context)});
    return &sites.back();
}

Status ServerContext::State::use_key(SSL_CTX* context, const ServerCertificate& certificate) const {
    const X509* leaf = SSL_CTX_get0_certificate(context);
    KeyHandle public_half(X509_get_pubkey(const_cast<X509*>(leaf)));
    if (public_half == nullptr) return crypto_error("use the key of", certificate.chain.name());
    auto key = make_remote_key(
        {library, std::move(public_half), certificate.chain.key_kind(), certificate.key, sign});
    if (!key) return key.error().in(certificate.chain.name());
    if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
        return crypto_error("use the key of", certificate.chain.name());
    }
    return {};
}

Status ServerContext::State::add(const ServerCertificate& certificate) {
    const auto found = site_for(certificate.chain);
    if (!found) return found.error().pass();
    Site& site = **found;
    SSL_CTX* context = site.context.get();
    if (const auto used = use_chain(context, library->context(), certificate.chain); !used) {
        return used;
    }
    if (const auto used = use_key(context, certificate); !used) return used;
    site.kinds.push_back(certificate.chain.key_kind());
    for (const std::string& name : site.names) by_name.emplace(name, context);
    return {};
}

SSL_CTX* ServerContext::State::find(std::string_view host) const {
    std::string wanted = canonical_host(host);
    if (const auto exact = by_name.find(wanted); exact != by_name.end()) return exact->second;
    const std::size_t dot = wanted.find('.');
    if (dot == std::string::npos || dot == 0) return nullptr;
    const auto wildcard = by_name.find("*" + wanted.substr(dot));
    return wildcard != by_name.end() ? wildcard->second : nullptr;
}

int ServerContext::State::on_server_name(SSL* ssl, int*, void* state) noexcept {
    const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (host == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* context = static_cast<const State*>(state)->find(host);
    if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
}

Result<ServerContext> ServerContext::make(Setup setup) {
    if (setup.certificates.empty()) return plain_error("TLS needs a certificate: name one");
    auto keys = TicketKeys::make(setup.library, std::move(setup.ticket_keys));
    if (!keys) return keys.error().pass();
    auto state =
        std::make_shared<State>(std::move(setup.library), std::move(*keys), std::move(setup.sign));
    for (const ServerCertificate& certificate : setup.certificates) {
        if (const auto added = state->add(certificate); !added) return added.error().pass();
    }
    return ServerContext(std::move(state));
}

ssl_st* ServerContext::new_session() const {
    return SSL_new(state_->sites.front().context.get());
}

}  // namespace holdfast::tls
