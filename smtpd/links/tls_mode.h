// When a connection of a listener begins TLS.
#pragma once

#include "smtpd/links/codec.h"

namespace holdfast::links {

enum class TlsMode : std::uint8_t {
    none,      // never
    starttls,  // when the client asks for it (RFC 3207)
    implicit,  // at once (RFC 8314)
};
template <>
inline constexpr unsigned enum_limit<TlsMode> = 3;

}  // namespace holdfast::links
