#include "smtpd/tls/ticket_keys.h"

#include <algorithm>
#include <chrono>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "smtpd/tls/crypto_error.h"

namespace holdfast::tls {

namespace {

constexpr std::size_t name_size = 16;
constexpr std::size_t secret_size = 32;

// RFC 8446 allows a week; a server that sends mail comes back within hours or days.
constexpr std::chrono::seconds session_lifetime = std::chrono::hours(24);

// What OpenSSL wants to hear from its callback.
constexpr int failed = -1;
constexpr int unknown_key = 0;
constexpr int fine = 1;
constexpr int fine_but_old = 2;  // the client gets a new ticket

}  // namespace

Result<TicketKeys> TicketKeys::make(std::shared_ptr<const CryptoLibrary> library,
                                    std::vector<TicketKey> keys) {
    TicketKeys result;
    result.cipher_.reset(EVP_CIPHER_fetch(library->context(), "AES-256-CBC", nullptr));
    if (result.cipher_ == nullptr) return crypto_error("set up session tickets");
    result.library_ = std::move(library);
    result.keys_ = std::move(keys);
    return result;
}

void TicketKeys::install(SSL_CTX* context) const {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (keys_.empty()) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
        return;
    }
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, session_lifetime.count());
    SSL_CTX_set_app_data(context, const_cast<TicketKeys*>(this));
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int encrypt) noexcept {
    const auto& keys = *static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const Job job{name, iv, cipher, mac};
    return encrypt == 1 ? keys.seal(job) : keys.open(job);
}

int TicketKeys::seal(const Job& job) const {
    const TicketKey& key = keys_.front();
    std::copy_n(key.begin(), name_size, job.name);
    const auto iv_size = static_cast<std::size_t>(EVP_CIPHER_get_iv_length(cipher_.get()));
    if (RAND_bytes_ex(library_->context(), job.iv, iv_size, 0) != 1) return failed;
    return prepare(job, key, Direction::seal) ? fine : failed;
}

int TicketKeys::open(const Job& job) const {
    const auto found = std::ranges::find_if(keys_, [&](const TicketKey& key) {
        return std::equal(key.begin(), key.begin() + name_size, job.name);
    });
    if (found == keys_.end()) return unknown_key;
    if (!prepare(job, *found, Direction::open)) return failed;
    return found == keys_.begin() ? fine : fine_but_old;
}

bool TicketKeys::prepare(const Job& job, const TicketKey& key, Direction direction) const {
    const std::uint8_t* hmac = key.data() + name_size;
    const std::uint8_t* aes = hmac + secret_size;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(hmac),
                                          secret_size),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(job.mac, params) == 1 &&
           EVP_CipherInit_ex2(job.cipher, cipher_.get(), aes, job.iv,
                              direction == Direction::seal ? 1 : 0, nullptr) == 1;
}

}  // namespace holdfast::tls
