#include "smtpd/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/openssl.h"
#include "smtpd/tls/protocol.h"

namespace holdfast::tls {

struct ClientContext::State {
    std::shared_ptr<const CryptoLibrary> library;
    SslContextHandle context;
};

namespace {

// Those that cannot be read are as good as not there: a bundle may hold what is too new for us.
Status trust(SSL_CTX* context, std::string_view certificates) {
    const BioHandle bio(
        BIO_new_mem_buf(certificates.data(), static_cast<int>(certificates.size())));
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    bool any = false;
    while (bio) {
        const X509Handle one(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
        if (!one) break;
        any = X509_STORE_add_cert(store, one.get()) == 1 || any;
    }
    ERR_clear_error();  // the end of the text is one to OpenSSL
    if (!any) return plain_error("no certificate in it can be read");
    return {};
}

}  // namespace

Result<ClientContext> ClientContext::make(std::shared_ptr<const CryptoLibrary> library,
                                          std::string_view trusted) {
    auto context = new_ssl_context(*library, TLS_client_method());
    if (!context) return context.error().pass();
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
    if (!trusted.empty()) {
        if (const auto done = trust(context->get(), trusted); !done) return done.error().pass();
    }
    return ClientContext(
        std::make_shared<const State>(State{std::move(library), std::move(*context)}));
}

ssl_st* ClientContext::new_session() const {
    return SSL_new(state_->context.get());
}

}  // namespace holdfast::tls
