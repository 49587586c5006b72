// Output that must go out whole.
#pragma once

#include <string_view>

#include "smtpd/base/error.h"

namespace holdfast {

// Writes all of `bytes` to a blocking descriptor; fails with the errno of write(2).
Status write_all(int fd, std::string_view bytes);

}  // namespace holdfast
