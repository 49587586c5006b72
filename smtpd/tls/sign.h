// The seam between TLS and whoever holds the private keys.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/links/smtpin_signer.h"

namespace holdfast::tls {

struct SignRequest {
    links::KeyId key;
    links::SignatureScheme scheme = links::SignatureScheme::rsa_pss_sha256;
    std::string_view text;  // what the handshake signs, whole
};

// A signature as it goes into the handshake, or why there is none. Blocks: the handshake waits.
using SignFunction = std::function<Result<std::string>(const SignRequest&)>;

}  // namespace holdfast::tls
