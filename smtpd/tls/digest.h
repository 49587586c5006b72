// The hashes that logins are made of, and random bytes. Call set_up_crypto() or
// CryptoLibrary::make() first: no room can read OpenSSL's configuration file, and none should.
// Every function fails only where OpenSSL does: without memory, or without the algorithm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/base/error.h"

namespace holdfast::tls {

inline constexpr std::size_t sha256_size = 32;

// Each returns bytes, not their hexadecimal form.
Result<std::string> sha256(std::string_view bytes);
Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes);
Result<std::string> hmac_md5(std::string_view key, std::string_view bytes);

// RFC 8018 section 5.2, as long as the hash. Takes about a millisecond for 1000 iterations (at
// least 1): the caller bounds them.
Result<std::string> pbkdf2_sha256(std::string_view password, std::string_view salt,
                                  std::uint32_t iterations);

Result<std::string> random_bytes(std::size_t count);

}  // namespace holdfast::tls
