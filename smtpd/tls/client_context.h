// What a client of ours wants of a handshake. It takes any certificate, and says afterwards what
// that is worth (Secured::peer): whoever asks for TLS where it is offered is content with less than
// who has a password to send. Immutable; sessions that are open keep theirs.
#pragma once

#include <memory>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/tls/crypto_library.h"

struct ssl_st;

namespace holdfast::tls {

class ClientContext {
  public:
    // `trusted`: certificates of authorities, PEM; empty: nobody is trusted. Fails without an errno
    // where it holds none that can be read.
    static Result<ClientContext> make(std::shared_ptr<const CryptoLibrary> library,
                                      std::string_view trusted = {});

    // For Layer: a new SSL, which this context must outlive; null without memory.
    ssl_st* new_session() const;

  private:
    struct State;
    explicit ClientContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

}  // namespace holdfast::tls
