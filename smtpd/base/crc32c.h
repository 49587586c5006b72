// CRC-32C (Castagnoli), the checksum of queue files and of state that crosses an exec.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

// `seed` is the result for the bytes before, so that a body can be summed in pieces.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace holdfast
