// The contents of a file as they are now, in a sealed memfd: what was checked there is what is
// used, whoever writes into the file meanwhile. The kernel copies; no byte of a private key comes
// into this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast {

// Who may be able to change the file.
enum class Writers : std::uint8_t {
    ourselves,  // root and our own user
    anybody,
};

// `path` may lead through links to a regular file of at most `limit` bytes. Fails with the errno of
// open(2) and what follows it, without one where the file is not like that, or changes while it is
// copied; the error names it. `name` is the memfd's, for /proc.
Result<UniqueFd> sealed_copy(const char* name, const std::string& path, std::size_t limit,
                             Writers writers = Writers::ourselves);

}  // namespace holdfast
