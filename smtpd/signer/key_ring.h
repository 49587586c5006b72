// The keys that are in use, by set. Takes orders from the parent and questions from rooms
// that it does not trust.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>

#include "smtpd/links/parent_signer.h"
#include "smtpd/links/smtpin_signer.h"
#include "smtpd/tls/private_key.h"

namespace holdfast::signer {

// More than the parent has at a time (parent/certificates.h): one that serves, one that is being
// tried, those that handshakes in progress still need.
inline constexpr std::size_t max_sets = 64;

class KeyRing {
  public:
    // Reads the key and holds it, in place of one of the same number. Fails with the key's name
    // and what is wrong with it; nothing has changed then.
    links::LoadedKey load(std::uint64_t set, const links::KeyFile& file);

    void forget(std::uint64_t set);

    // A signature, or in words why not: no such key, a scheme that is not the key's, a text that
    // is no handshake of a TLS server.
    std::expected<std::string, std::string> sign(const links::Sign& request) const;

    std::size_t sets() const { return sets_.size(); }

  private:
    Result<tls::PrivateKey> read(std::uint64_t set, const links::KeyFile& file) const;
    const tls::PrivateKey* find(const links::KeyId& id) const;

    std::map<std::uint64_t, std::map<std::uint32_t, tls::PrivateKey>> sets_;
};

}  // namespace holdfast::signer
