#include "smtpd/tls/crypto_library.h"

#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/openssl.h"
#include "smtpd/tls/remote_key.h"

namespace holdfast::tls {

struct CryptoLibrary::Parts {
    LibraryHandle context;
    ProviderHandle standard;
    ProviderHandle remote;
};

CryptoLibrary::CryptoLibrary(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CryptoLibrary::~CryptoLibrary() = default;

ossl_lib_ctx_st* CryptoLibrary::context() const {
    return parts_->context.get();
}

// OpenSSL asks providers in the order of their names: "default" comes before ours, so whoever
// wants any algorithm gets the standard one.
Result<std::shared_ptr<const CryptoLibrary>> CryptoLibrary::make() {
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
        return crypto_error("set up OpenSSL");
    }
    auto parts = std::make_unique<Parts>();
    parts->context.reset(OSSL_LIB_CTX_new());
    OSSL_LIB_CTX* context = parts->context.get();
    if (context == nullptr) return crypto_error("set up OpenSSL");
    parts->standard.reset(OSSL_PROVIDER_load(context, "default"));
    if (parts->standard == nullptr ||
        OSSL_PROVIDER_add_builtin(context, remote_key_provider, start_remote_key_provider) != 1) {
        return crypto_error("set up OpenSSL");
    }
    parts->remote.reset(OSSL_PROVIDER_load(context, remote_key_provider));
    if (parts->remote == nullptr) return crypto_error("set up OpenSSL");
    return std::shared_ptr<const CryptoLibrary>(
        std::unique_ptr<const CryptoLibrary>(new CryptoLibrary(std::move(parts))));
}

}  // namespace holdfast::tls
