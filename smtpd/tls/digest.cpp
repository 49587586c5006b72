#include "smtpd/tls/digest.h"

#include <algorithm>
#include <array>
#include <climits>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "smtpd/tls/crypto_error.h"

namespace holdfast::tls {

namespace {

const unsigned char* data_of(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

// OpenSSL counts in int here; nothing that we hash comes near.
int size_of(std::string_view bytes) {
    return static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
}

std::string text_of(const std::array<unsigned char, EVP_MAX_MD_SIZE>& bytes, unsigned length) {
    return {reinterpret_cast<const char*>(bytes.data()), length};
}

// An empty key is a key, and no null pointer.
Result<std::string> hmac(const EVP_MD* digest, std::string_view key, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
    unsigned length = 0;
    if (key.empty()) key = "";
    if (HMAC(digest, key.data(), size_of(key), data_of(bytes), bytes.size(), result.data(),
             &length) == nullptr) {
        return crypto_error("compute a keyed hash");
    }
    return text_of(result, length);
}

}  // namespace

Result<std::string> sha256(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
    unsigned length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), result.data(), &length, EVP_sha256(), nullptr) !=
        1) {
        return crypto_error("compute a hash");
    }
    return text_of(result, length);
}

Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes) {
    return hmac(EVP_sha256(), key, bytes);
}

Result<std::string> hmac_md5(std::string_view key, std::string_view bytes) {
    return hmac(EVP_md5(), key, bytes);
}

Result<std::string> pbkdf2_sha256(std::string_view password, std::string_view salt,
                                  std::uint32_t iterations) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
    const auto count = static_cast<int>(std::min<std::uint32_t>(iterations, INT_MAX));
    const std::string secret(password);
    if (PKCS5_PBKDF2_HMAC(secret.c_str(), size_of(secret), data_of(salt), size_of(salt), count,
                          EVP_sha256(), sha256_size, result.data()) != 1) {
        return crypto_error("derive a key from a password");
    }
    return text_of(result, sha256_size);
}

Result<std::string> random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (count > INT_MAX ||
        RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
        return crypto_error("get random bytes");
    }
    return bytes;
}

}  // namespace holdfast::tls
