#include "smtpd/base/error.h"

#include <cstring>

namespace holdfast {

Error::Error(int code, std::string_view doing, std::string_view on) : code_(code), text_(doing) {
    if (!on.empty()) text_.append(" ").append(on);
    if (code != 0) text_.append(": ").append(errno_text(code));
}

std::unexpected<Error> Error::in(std::string_view doing) const {
    Error outer = *this;
    outer.text_ = std::string(doing) + ": " + text_;
    return std::unexpected(std::move(outer));
}

std::string errno_text(int code) {
    const char* const text = strerrordesc_np(code);
    return text == nullptr ? "error " + std::to_string(code) : text;
}

std::unexpected<Error> errno_error(std::string_view doing, std::string_view on) {
    return std::unexpected(Error(errno, doing, on));
}

std::unexpected<Error> plain_error(std::string_view reason) {
    return std::unexpected(Error(0, reason));
}

}  // namespace holdfast
