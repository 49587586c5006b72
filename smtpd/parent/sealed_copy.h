// The contents of a file as they are now, in a sealed memfd: what was checked there is what is
// used, whoever writes into the file meanwhile. The kernel copies; no byte of a private key comes
// into this process.
#pragma once

#include <cstddef>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast {

// `path` may lead through links to a regular file of at most `limit` bytes, which nobody but root
// and our own user can change. Fails with the errno of open(2) and what follows it, without one
// where the file is not like that, or changes while it is copied; the error names it. `name` is the
// memfd's, for /proc.
Result<UniqueFd> sealed_copy(const char* name, const std::string& path, std::size_t limit);

}  // namespace holdfast
