// Broken invariants: a bug in this process, which must not go on. The parent starts it again.
#pragma once

#include <string_view>

namespace holdfast {

// Logs `what` and aborts.
[[noreturn]] void panic(std::string_view what);

}  // namespace holdfast
