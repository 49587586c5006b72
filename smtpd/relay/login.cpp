#include "smtpd/relay/login.h"

#include <utility>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/base64.h"

namespace holdfast::relay {

namespace {

// RFC 4954 section 4: a command stays within 512 bytes, its end included, and what does not fit
// waits for the server to ask for it.
constexpr std::size_t max_command = 512 - 2;

constexpr std::uint16_t go_on = 334;
constexpr std::uint16_t unknown_mechanism = 504;

// Nothing at all is said as "=" there, and as an empty line later.
std::string initial_word(const std::string& message) {
    return message.empty() ? "=" : base64_encoded(message);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
    return text;
}

}  // namespace

Login::Login(Credentials credentials, std::string nonce, Terms terms)
    : credentials_(std::move(credentials)), nonce_(std::move(nonce)), terms_(std::move(terms)) {}

Result<std::string> Login::begin() {
    mechanism_ = choose_mechanism(terms_.offered, credentials_.kind, terms_.clear);
    if (!mechanism_) return no_mechanism();
    if ((credentials_.user + credentials_.secret).find('\0') != std::string::npos) {
        return plain_error("the user or the secret holds a NUL byte");
    }
    client_.emplace(*mechanism_, credentials_, nonce_);
    held_back_ = client_->initial();
    std::string command = "AUTH " + std::string(name_of(*mechanism_));
    if (held_back_) {
        const std::string whole = command + " " + initial_word(*held_back_);
        if (whole.size() <= max_command) {
            command = whole;
            held_back_.reset();
        }
    }
    return command + "\r\n";
}

std::unexpected<Error> Login::no_mechanism() const {
    if (terms_.offered.empty()) return plain_error("the server offers no login (AUTH)");
    const bool over_tls_only =
        terms_.clear == ClearSecret::forbidden &&
        choose_mechanism(terms_.offered, credentials_.kind, ClearSecret::allowed);
    if (over_tls_only) {
        return plain_error("the login would send the secret without TLS (the server offers " +
                           joined(terms_.offered) + ")");
    }
    return plain_error("the server offers no login that Holdfast knows (but " +
                       joined(terms_.offered) + ")");
}

Result<std::optional<std::string>> Login::on_reply(const ServerReply& reply) {
    if (reply.positive()) {
        if (!client_->satisfied()) {
            return plain_error("the server has not proved that it knows the password");
        }
        return std::nullopt;
    }
    if (reply.code == go_on) {
        auto line = answer(ascii::trimmed(reply.lines.front()));
        if (!line) return line.error().pass();
        return std::optional(std::move(*line));
    }
    const std::string refusal =
        "AUTH " + std::string(name_of(*mechanism_)) + ": " + full_text(reply);
    if (reply.code != unknown_mechanism) return plain_error(refusal);
    std::erase(terms_.offered, name_of(*mechanism_));
    auto next = begin();
    if (!next) return plain_error(refusal);
    return std::optional(std::move(*next));
}

// What is no base 64 is no challenge either: a mechanism that makes something of it says so.
Result<std::string> Login::answer(std::string_view challenge) {
    if (held_back_) return base64_encoded(*std::exchange(held_back_, std::nullopt)) + "\r\n";
    const auto message = client_->respond(base64_decoded(challenge).value_or(""));
    if (!message) return message.error().pass();
    return base64_encoded(*message) + "\r\n";
}

}  // namespace holdfast::relay
