#include "smtpd/tls/crypto_error.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "smtpd/base/panic.h"

namespace holdfast::tls {

namespace {

constexpr int our_library = ERR_LIB_USER;
constexpr int our_reason = 1;

std::string text_of(unsigned long code, std::string_view data) {
    const char* reason = ERR_reason_error_string(code);
    std::string text = reason != nullptr ? reason : "error " + std::to_string(code);
    if (!data.empty()) text.append(" (").append(data).append(")");
    return text;
}

}  // namespace

std::string take_crypto_reason() {
    std::string text;
    const char* data = nullptr;
    int flags = 0;
    while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        const std::string_view detail = (flags & ERR_TXT_STRING) != 0 ? data : "";
        if (ERR_GET_LIB(code) == our_library) {
            text = detail;
            break;
        }
        // The first one is nearest to the cause.
        if (text.empty()) text = text_of(code, detail);
    }
    ERR_clear_error();
    return text.empty() ? "unknown reason" : text;
}

std::unexpected<Error> crypto_error(std::string_view doing, std::string_view on) {
    std::string text(doing);
    if (!on.empty()) text.append(" ").append(on);
    return plain_error(text + ": " + take_crypto_reason());
}

void set_up_crypto() {
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
        panic("OpenSSL can't be set up");
    }
}

int no_passphrase(char*, int, int, void*) noexcept {
    return -1;
}

void raise_crypto_error(const std::string& reason) {
    ERR_raise_data(our_library, our_reason, "%s", reason.c_str());
}

}  // namespace holdfast::tls
