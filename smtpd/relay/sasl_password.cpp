#include "smtpd/relay/sasl_password.h"

#include "smtpd/tls/digest.h"

namespace holdfast::relay {

namespace {

std::unexpected<Error> too_many_questions() {
    return plain_error("the server asks for more than its mechanism knows");
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

}  // namespace

std::optional<std::string> SaslPlain::initial() const {
    return std::string(1, '\0') + user_ + std::string(1, '\0') + password_;
}

Result<std::string> SaslPlain::respond(std::string_view) {
    return too_many_questions();
}

Result<std::string> SaslLogin::respond(std::string_view) {
    switch (asked_) {
        case 0:
            asked_ = 1;
            return user_;
        case 1:
            asked_ = 2;
            return password_;
        default:
            return too_many_questions();
    }
}

// An answer to a challenge that is always the same would be as good as the password.
Result<std::string> CramMd5::respond(std::string_view challenge) {
    if (std::exchange(answered_, true)) return too_many_questions();
    if (challenge.empty()) return plain_error("the server's challenge is empty");
    auto digest = tls::hmac_md5(password_, challenge);
    if (!digest) return digest.error().pass();
    return user_ + " " + hexadecimal(*digest);
}

std::optional<std::string> XOAuth2::initial() const {
    return "user=" + user_ + "\x01" + "auth=Bearer " + token_ + "\x01\x01";
}

Result<std::string> XOAuth2::respond(std::string_view) {
    if (std::exchange(challenged_, true)) return too_many_questions();
    return std::string();
}

}  // namespace holdfast::relay
