#include "smtpd/tls/client_context.h"

#include "smtpd/tls/openssl.h"
#include "smtpd/tls/protocol.h"

namespace holdfast::tls {

struct ClientContext::State {
    std::shared_ptr<const CryptoLibrary> library;
    SslContextHandle context;
};

Result<ClientContext> ClientContext::make(std::shared_ptr<const CryptoLibrary> library) {
    auto context = new_ssl_context(*library, TLS_client_method());
    if (!context) return context.error().pass();
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
    return ClientContext(
        std::make_shared<const State>(State{std::move(library), std::move(*context)}));
}

ssl_st* ClientContext::new_session() const {
    return SSL_new(state_->context.get());
}

}  // namespace holdfast::tls
