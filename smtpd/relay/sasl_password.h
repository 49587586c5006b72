// The mechanisms of one or two steps: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195) and XOAUTH2.
// None of them has the server prove anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "smtpd/base/error.h"

namespace holdfast::relay {

class SaslPlain {
  public:
    SaslPlain(std::string user, std::string password)
        : user_(std::move(user)), password_(std::move(password)) {}

    std::optional<std::string> initial() const;
    Result<std::string> respond(std::string_view challenge);
    bool satisfied() const { return true; }

  private:
    std::string user_;
    std::string password_;
};

// The first challenge asks for the name and the second for the password, in whatever words.
class SaslLogin {
  public:
    SaslLogin(std::string user, std::string password)
        : user_(std::move(user)), password_(std::move(password)) {}

    std::optional<std::string> initial() const { return std::nullopt; }
    Result<std::string> respond(std::string_view challenge);
    bool satisfied() const { return asked_ == 2; }

  private:
    std::string user_;
    std::string password_;
    unsigned asked_ = 0;
};

class CramMd5 {
  public:
    CramMd5(std::string user, std::string password)
        : user_(std::move(user)), password_(std::move(password)) {}

    std::optional<std::string> initial() const { return std::nullopt; }
    Result<std::string> respond(std::string_view challenge);
    bool satisfied() const { return answered_; }

  private:
    std::string user_;
    std::string password_;
    bool answered_ = false;
};

// Where the token is refused the server says why in a challenge, which is answered with nothing;
// the refusal follows.
class XOAuth2 {
  public:
    XOAuth2(std::string user, std::string token)
        : user_(std::move(user)), token_(std::move(token)) {}

    std::optional<std::string> initial() const;
    Result<std::string> respond(std::string_view challenge);
    bool satisfied() const { return !challenged_; }

  private:
    std::string user_;
    std::string token_;
    bool challenged_ = false;
};

}  // namespace holdfast::relay
