// A private key in memory: read once from a file, used to sign, never written anywhere, and cleared
// when it is forgotten.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/links/smtpin_signer.h"
#include "smtpd/tls/certificate.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

inline constexpr std::size_t max_key_file = 64 * 1024;

class PrivateKey {
  public:
    // `file` is read from its beginning: PEM with PKCS#8, RSA of PKCS#1 or EC of SEC1, not
    // encrypted. Fails where the key is none, is of a kind that is not served, or does not sign: a
    // signature is made and verified. Errors never quote the text.
    static Result<PrivateKey> read(int file);

    // SubjectPublicKeyInfo, DER.
    const std::string& public_key() const { return public_key_; }

    // Whether a handshake with this scheme can be this key's.
    bool fits(links::SignatureScheme scheme) const;

    // The scheme fits. Fails only where OpenSSL does.
    Result<std::string> sign(links::SignatureScheme scheme, std::string_view text) const;

  private:
    static Result<PrivateKey> parse(std::string_view pem);
    Status try_out() const;

    KeyHandle key_;
    KeyKind kind_ = KeyKind::rsa;
    std::string public_key_;
};

}  // namespace holdfast::tls
