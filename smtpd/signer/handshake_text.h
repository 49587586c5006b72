// Whether a text is what a TLS server signs in its handshake, and nothing else: a room that has
// been taken over gets no other signature. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::signer {

enum class HandshakeText : std::uint8_t {
    tls12_key_exchange,       // RFC 8422 section 5.4, with a curve that our servers offer
    tls13_certificate_verify  // RFC 8446 section 4.4.3, of a server
};

// Nothing where it is neither. No text is both.
std::optional<HandshakeText> recognise_handshake(std::string_view text);

}  // namespace holdfast::signer
