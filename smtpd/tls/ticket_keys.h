// Seals session tickets with keys that outlive this process and its certificates.
#pragma once

#include <memory>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/tls/openssl.h"
#include "smtpd/tls/server_context.h"

namespace holdfast::tls {

class TicketKeys {
  public:
    static Result<TicketKeys> make(std::shared_ptr<const CryptoLibrary> library,
                                   std::vector<TicketKey> keys);

    // Makes `context` use these keys, or none at all where there are none. They outlive it.
    void install(SSL_CTX* context) const;

  private:
    enum class Direction : std::uint8_t { open, seal };
    struct Job {
        unsigned char* name;
        unsigned char* iv;
        EVP_CIPHER_CTX* cipher;
        EVP_MAC_CTX* mac;
    };

    TicketKeys() = default;
    int seal(const Job& job) const;
    int open(const Job& job) const;
    bool prepare(const Job& job, const TicketKey& key, Direction direction) const;
    static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int encrypt) noexcept;

    std::shared_ptr<const CryptoLibrary> library_;
    CipherHandle cipher_;
    std::vector<TicketKey> keys_;
};

}  // namespace holdfast::tls
