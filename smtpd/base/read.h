// Input from a place in a file.
#pragma once

#include <cstdint>
#include <string>

#include "smtpd/base/error.h"

namespace holdfast {

// Up to `most` bytes at `offset`, fewer only where the file ends. Fails with the errno of pread(2).
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t most);

}  // namespace holdfast
