#include "smtpd/signer/handshake_text.h"

#include <algorithm>
#include <cstddef>

namespace holdfast::signer {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t padding = 64;
constexpr std::string_view context = "TLS 1.3, server CertificateVerify\0"sv;
constexpr std::size_t randoms = 2 * 32;  // the client's and the server's

// The transcript's hash is SHA-256 or SHA-384, whatever the signature's is.
bool is_transcript_hash(std::string_view hash) {
    return hash.size() == 32 || hash.size() == 48;
}

bool is_certificate_verify(std::string_view text) {
    if (text.size() < padding + context.size()) return false;
    return std::ranges::all_of(text.substr(0, padding), [](char byte) { return byte == ' '; }) &&
           text.substr(padding).starts_with(context) &&
           is_transcript_hash(text.substr(padding + context.size()));
}

// ECParameters (a named curve) and the point's length: fixed bytes for each curve.
struct Curve {
    std::string_view head;
    std::size_t point_size;
    std::string_view point_head;
};

constexpr Curve curves[] = {
    {"\x03\x00\x1d\x20"sv, 32, ""sv},      // x25519
    {"\x03\x00\x17\x41"sv, 65, "\x04"sv},  // secp256r1, uncompressed
    {"\x03\x00\x18\x61"sv, 97, "\x04"sv},  // secp384r1
};

bool is_key_exchange(std::string_view text) {
    if (text.size() < randoms) return false;
    const std::string_view params = text.substr(randoms);
    return std::ranges::any_of(curves, [&](const Curve& curve) {
        return params.size() == curve.head.size() + curve.point_size &&
               params.starts_with(curve.head) &&
               params.substr(curve.head.size()).starts_with(curve.point_head);
    });
}

}  // namespace

std::optional<HandshakeText> recognise_handshake(std::string_view text) {
    if (is_certificate_verify(text)) return HandshakeText::tls13_certificate_verify;
    if (is_key_exchange(text)) return HandshakeText::tls12_key_exchange;
    return std::nullopt;
}

}  // namespace holdfast::signer
