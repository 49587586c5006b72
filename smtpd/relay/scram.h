// SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): the password never leaves, and the
// server proves that it knows it too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/base/error.h"

namespace holdfast::relay {

class ScramSha256 {
  public:
    // How often the hash is to be computed is the server's to say: with fewer rounds a listener
    // could try passwords at leisure (RFC 7677 section 4), and more would hold up all others.
    static constexpr std::uint32_t min_iterations = 4096;
    static constexpr std::uint32_t max_iterations = 500'000;

    ScramSha256(std::string_view user, std::string password, std::string nonce);

    std::optional<std::string> initial() const { return "n,," + first_bare_; }
    Result<std::string> respond(std::string_view challenge);
    bool satisfied() const { return step_ == Step::proved; }

  private:
    enum class Step : std::uint8_t { first, final, proved };

    Result<std::string> answer_first(std::string_view challenge);
    Result<std::string> check_final(std::string_view challenge);

    std::string password_;
    std::string nonce_;
    std::string first_bare_;
    std::string server_signature_;
    Step step_ = Step::first;
};

}  // namespace holdfast::relay
