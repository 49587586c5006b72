// Certificates as facts: parsed and checked before anything serves them. Pure; the bytes come from
// a file that somebody else has read. Errors name the file, what is wrong with it and what to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"

struct x509_st;

namespace holdfast::tls {

// The kinds of keys that Holdfast serves and signs with.
enum class KeyKind : std::uint8_t { rsa, ecdsa_p256, ecdsa_p384, ed25519 };

// Whether a client that can verify a signature of the one kind can verify the other's as well, so
// that a host needs one of both only.
bool same_choice(KeyKind one, KeyKind other);

struct Certificate {
    std::string der;
    std::string subject;             // "CN = mx.example.org", for messages
    std::vector<std::string> names;  // DNS names of subjectAltName, lower case, wildcards too
    WallTime not_before;
    WallTime not_after;
    std::string fingerprint;  // SHA-256 of `der`: 64 hexadecimal digits
    std::string public_key;   // SubjectPublicKeyInfo, DER
};

inline constexpr std::size_t max_chain_bytes = 256 * 1024;
inline constexpr std::size_t max_chain_length = 16;

// Whether a file may be shown to who serves certificates: it holds one, and no private key. `name`
// stands in the errors.
Status check_public(std::string_view pem, std::string_view name);

// A server's certificate and those that lead from it towards a root.
class CertificateChain {
  public:
    // `pem` holds the leaf first, each certificate issued by the one behind it; blocks of other
    // kinds are skipped, but for a private key, which must not be here. `name` stands in the
    // errors. The leaf's key must be one of KeyKind.
    static Result<CertificateChain> parse(std::string_view pem, std::string_view name);

    const Certificate& leaf() const { return certificates_.front(); }
    const std::vector<Certificate>& certificates() const { return certificates_; }
    KeyKind key_kind() const { return key_kind_; }
    const std::string& name() const { return name_; }

    // Fails unless `public_key` (SubjectPublicKeyInfo, DER: what signer tells of a key) is the
    // leaf's; `key_name` stands in the error.
    Status check_key(std::string_view public_key, std::string_view key_name) const;

    // What an admin should know of a chain, without its name, though it serves: it is not for
    // `host`; it is not valid yet, or no more; it ends within 21 days or, of a short life, in the
    // last third of it. Most clients of SMTP look at none of that, and mail goes on.
    std::vector<std::string> warnings(std::string_view host, WallTime now) const;

    // Whether the leaf is for this host: by its name, or by a wildcard in place of its first label.
    bool covers(std::string_view host) const;

  private:
    std::vector<Certificate> certificates_;
    KeyKind key_kind_ = KeyKind::rsa;
    std::string name_;
};

// A host's name as it is compared: lower case, without a final dot.
std::string canonical_host(std::string_view host);

// SHA-256 in 64 hexadecimal digits.
struct Fingerprints {
    std::string certificate;
    std::string key;  // of its SubjectPublicKeyInfo; empty where there is none
};
Fingerprints fingerprints_of(x509_st* certificate);

}  // namespace holdfast::tls
