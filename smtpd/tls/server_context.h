// What a server says of itself in a handshake: an immutable set of certificates, which of them for
// whom, and the keys of session tickets. Replaced as a whole; sessions that are open keep theirs,
// and a session resumes under any set with the same ticket keys. Holds no private key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/tls/certificate.h"
#include "smtpd/tls/crypto_library.h"
#include "smtpd/tls/sign.h"

struct ssl_st;

namespace holdfast::tls {

// 16 bytes of name, 32 for HMAC-SHA256, 32 for AES-256: as OpenSSL's own. All random, all secret
// but the name.
using TicketKey = std::array<std::uint8_t, 80>;

struct ServerCertificate {
    CertificateChain chain;
    links::KeyId key;
};

class ServerContext {
  public:
    struct Setup {
        std::shared_ptr<const CryptoLibrary> library;
        // At least one; the first serves clients that name no host, or one that no certificate is
        // for. A host that a certificate names is served that one before one with a wildcard.
        // Certificates of different kinds of keys with the same names serve together: the client
        // chooses.
        std::vector<ServerCertificate> certificates;
        // The first encrypts, all decrypt. None: no sessions are resumed.
        std::vector<TicketKey> ticket_keys;
        SignFunction sign;
    };

    // Fails where OpenSSL refuses a certificate; the error names it.
    static Result<ServerContext> make(Setup setup);

    // For Layer: a new SSL, which this context must outlive; null without memory.
    ssl_st* new_session() const;

  private:
    struct State;
    explicit ServerContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

}  // namespace holdfast::tls
