// Base 64 from outside: what is taken is just what would be given.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/mail/base64.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto decoded = holdfast::base64_decoded(input);
    if (decoded && holdfast::base64_encoded(*decoded) != input) std::abort();
    if (holdfast::base64_decoded(holdfast::base64_encoded(input)) != input) std::abort();
    return 0;
}
