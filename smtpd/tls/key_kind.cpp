#include "smtpd/tls/key_kind.h"

#include <array>

namespace holdfast::tls {

namespace {

std::string curve_of(const EVP_PKEY* key) {
    std::array<char, 64> name{};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) return "unknown";
    return {name.data(), length};
}

std::unexpected<Error> unfit(const std::string& what) {
    return plain_error(what + "; use RSA of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519");
}

Result<KeyKind> kind_of_rsa(int bits) {
    if (bits >= min_rsa_bits && bits <= max_rsa_bits) return KeyKind::rsa;
    return unfit("the key is RSA of " + std::to_string(bits) + " bits");
}

Result<KeyKind> kind_of_ec(const std::string& curve) {
    if (curve == SN_X9_62_prime256v1) return KeyKind::ecdsa_p256;
    if (curve == SN_secp384r1) return KeyKind::ecdsa_p384;
    return unfit("the key is on the curve " + curve);
}

}  // namespace

Result<KeyKind> kind_of(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) return kind_of_rsa(EVP_PKEY_get_bits(key));
    if (EVP_PKEY_is_a(key, "EC") == 1) return kind_of_ec(curve_of(key));
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyKind::ed25519;
    const char* type = EVP_PKEY_get0_type_name(key);
    return unfit("the key is of the type " + std::string(type != nullptr ? type : "unknown"));
}

std::string public_key_of(const EVP_PKEY* key) {
    unsigned char* bytes = nullptr;
    const int length = i2d_PUBKEY(key, &bytes);
    if (length <= 0) return {};
    const std::unique_ptr<unsigned char, decltype([](void* memory) { OPENSSL_free(memory); })>
        owner(bytes);
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

}  // namespace holdfast::tls
