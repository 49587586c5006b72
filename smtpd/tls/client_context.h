// What a client of ours wants of a handshake. It takes any certificate: opportunistic TLS, which
// keeps off those who only listen. Immutable; sessions that are open keep theirs.
#pragma once

#include <memory>

#include "smtpd/base/error.h"
#include "smtpd/tls/crypto_library.h"

struct ssl_st;

namespace holdfast::tls {

class ClientContext {
  public:
    static Result<ClientContext> make(std::shared_ptr<const CryptoLibrary> library);

    // For Layer: a new SSL, which this context must outlive; null without memory.
    ssl_st* new_session() const;

  private:
    struct State;
    explicit ClientContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

}  // namespace holdfast::tls
