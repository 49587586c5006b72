// The dialogue behind AUTH (RFC 4954): a login's messages as lines. Tries the next best mechanism
// where a server does not know one that it offers, and gives up where a login is refused: more of
// the same would only lock the account.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/relay/sasl.h"
#include "smtpd/relay/server_reply.h"

namespace holdfast::relay {

class Login {
  public:
    // What is known of the server and of the connection.
    struct Terms {
        std::vector<std::string> offered;  // Extensions::auth
        ClearSecret clear = ClearSecret::forbidden;
    };

    // `nonce` as for SaslClient.
    Login(Credentials credentials, std::string nonce, Terms terms);

    // AUTH with the best mechanism that has not been tried, a line with its end; the error says
    // why there is none.
    Result<std::string> begin();

    // What is said next, a line with its end: nothing once the server has let us in. The error
    // says why the login has failed, which is final.
    Result<std::optional<std::string>> on_reply(const ServerReply& reply);

  private:
    Result<std::string> answer(std::string_view challenge);
    std::unexpected<Error> no_mechanism() const;

    Credentials credentials_;
    std::string nonce_;
    Terms terms_;
    std::optional<Mechanism> mechanism_;
    std::optional<SaslClient> client_;
    std::optional<std::string> held_back_;  // what is said first, where AUTH had no room for it
};

}  // namespace holdfast::relay
