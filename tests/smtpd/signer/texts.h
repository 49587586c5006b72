// What TLS servers sign, made up: for tests of who signs what.
#pragma once

#include <string>

namespace holdfast::signer {

// TLS 1.3, with a transcript's hash of this size.
inline std::string verify_text(std::size_t hash_size) {
    return std::string(64, ' ') + "TLS 1.3, server CertificateVerify" + '\0' +
           std::string(hash_size, '\xab');
}

// TLS 1.2, with a point of this size on this named curve.
inline std::string exchange_text(unsigned curve, std::size_t point_size) {
    std::string point(point_size, '\x11');
    if (curve != 29 && curve != 30) point.front() = 4;
    return std::string(32, 'c') + std::string(32, 's') + '\x03' + '\0' + static_cast<char>(curve) +
           static_cast<char>(point_size) + point;
}

}  // namespace holdfast::signer
