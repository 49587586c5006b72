#include "smtpd/relay/scram.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "smtpd/mail/base64.h"
#include "smtpd/tls/digest.h"

namespace holdfast::relay {

namespace {

// A name where "," and "=" have a meaning (RFC 5802 section 5.1).
std::string saslname(std::string_view name) {
    std::string result;
    for (const char c : name) {
        if (c == ',') {
            result += "=2C";
        } else if (c == '=') {
            result += "=3D";
        } else {
            result.push_back(c);
        }
    }
    return result;
}

// The value of the next attribute, which must have this name.
std::optional<std::string_view> take_attribute(std::string_view& message, char name) {
    if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
    const std::string_view value = message.substr(2, message.find(',') - 2);
    message.remove_prefix(std::min(message.size(), value.size() + 3));
    return value;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

struct ServerFirst {
    std::string nonce;
    std::string salt;
    std::uint32_t iterations = 0;
};

// Attributes behind those three are extensions that need not be understood; one in front of them
// ("m=") has to be, and is not.
Result<ServerFirst> parse_server_first(std::string_view message) {
    const auto nonce = take_attribute(message, 'r');
    const auto salt = nonce ? take_attribute(message, 's') : std::nullopt;
    const auto iterations = salt ? take_attribute(message, 'i') : std::nullopt;
    const auto count = iterations ? number_of(*iterations) : std::nullopt;
    auto bytes = salt ? base64_decoded(*salt) : std::nullopt;
    if (!count || !bytes || bytes->empty()) {
        return plain_error("the server's first message of SCRAM is malformed");
    }
    return ServerFirst{std::string(*nonce), std::move(*bytes), *count};
}

std::string exclusive_or(std::string left, std::string_view right) {
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
        left[i] = static_cast<char>(left[i] ^ right[i]);
    }
    return left;
}

struct Proofs {
    std::string client;  // goes out
    std::string server;  // has to come in
};

// RFC 5802 section 3.
Result<Proofs> prove(std::string_view salted, std::string_view auth_message) {
    const auto client_key = tls::hmac_sha256(salted, "Client Key");
    if (!client_key) return client_key.error().pass();
    const auto stored_key = tls::sha256(*client_key);
    if (!stored_key) return stored_key.error().pass();
    const auto client_signature = tls::hmac_sha256(*stored_key, auth_message);
    if (!client_signature) return client_signature.error().pass();
    const auto server_key = tls::hmac_sha256(salted, "Server Key");
    if (!server_key) return server_key.error().pass();
    auto server_signature = tls::hmac_sha256(*server_key, auth_message);
    if (!server_signature) return server_signature.error().pass();
    return Proofs{exclusive_or(*client_key, *client_signature), std::move(*server_signature)};
}

}  // namespace

ScramSha256::ScramSha256(std::string_view user, std::string password, std::string nonce)
    : password_(std::move(password)),
      nonce_(std::move(nonce)),
      first_bare_("n=" + saslname(user) + ",r=" + nonce_) {}

Result<std::string> ScramSha256::respond(std::string_view challenge) {
    switch (step_) {
        case Step::first:
            return answer_first(challenge);
        case Step::final:
            return check_final(challenge);
        case Step::proved:
            break;
    }
    return plain_error("the server asks for more than SCRAM knows");
}

Result<std::string> ScramSha256::answer_first(std::string_view challenge) {
    const auto first = parse_server_first(challenge);
    if (!first) return first.error().pass();
    // The server adds to our nonce; else an old dialogue is being repeated.
    if (!first->nonce.starts_with(nonce_) || first->nonce.size() == nonce_.size()) {
        return plain_error("the server's nonce of SCRAM does not continue ours");
    }
    if (first->iterations < min_iterations || first->iterations > max_iterations) {
        return plain_error("the server wants " + std::to_string(first->iterations) +
                           " iterations of SCRAM, " + std::to_string(min_iterations) + " to " +
                           std::to_string(max_iterations) + " are sound");
    }
    const auto salted = tls::pbkdf2_sha256(password_, first->salt, first->iterations);
    if (!salted) return salted.error().pass();
    // "biws" is "n,,": no channel binding.
    const std::string without_proof = "c=biws,r=" + first->nonce;
    auto proofs = prove(*salted, first_bare_ + "," + std::string(challenge) + "," + without_proof);
    if (!proofs) return proofs.error().pass();
    server_signature_ = std::move(proofs->server);
    step_ = Step::final;
    return without_proof + ",p=" + base64_encoded(proofs->client);
}

Result<std::string> ScramSha256::check_final(std::string_view challenge) {
    const auto signature = take_attribute(challenge, 'v');
    if (!signature || base64_decoded(*signature) != server_signature_) {
        return plain_error("the server has not proved that it knows the password");
    }
    step_ = Step::proved;
    return std::string();
}

}  // namespace holdfast::relay
