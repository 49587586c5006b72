// nsswitch.conf of any content: every service that is read is one harmless word.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/users/database.h"
#include "smtpd/users/nss_modules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::users;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& service : passwd_services(text)) {
        if (service.empty() || service.find_first_of("/. \n") != std::string::npos) std::abort();
    }
    for (const char c : full_name(text, text.substr(0, 64))) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    }
    return 0;
}
