// A struct in a sealed memfd: whoever holds the descriptor can read it and nobody can change it.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/codec.h"

namespace holdfast::links {

// Fails with the errno of memfd_create, write or fcntl.
Result<UniqueFd> seal_bytes(std::string_view name, std::string_view bytes);

// All bytes of a memfd, at most 1 GiB.
Result<std::string> read_sealed(int fd);

template <Struct T>
Result<UniqueFd> seal_struct(std::string_view name, const T& value) {
    return seal_bytes(name, encode_struct(value));
}

template <Struct T>
Result<T> read_struct(int fd) {
    const auto bytes = read_sealed(fd);
    if (!bytes) return bytes.error().pass();
    auto value = decode_struct<T>(*bytes, Tail::skip);
    if (!value) return plain_error("malformed snapshot");
    return std::move(*value);
}

}  // namespace holdfast::links
