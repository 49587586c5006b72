// Expected failures. An Error says what went wrong, what we were doing, and on what; it gathers
// context on its way up. A delivery outcome is not an Error: see queue/verdict.h.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>

namespace holdfast {

class [[nodiscard]] Error {
  public:
    // `code` is an errno value, or 0 where the text says all there is. `doing` is a verb phrase
    // ("rename"), `on` the thing ("tmp/01J...").
    Error(int code, std::string_view doing, std::string_view on = {});

    int code() const { return code_; }

    // "publish message: rename tmp/01J...: No space left on device"
    const std::string& text() const { return text_; }

    // The same error with what the caller was doing in front; converts to any Result<T>.
    std::unexpected<Error> in(std::string_view doing) const;

    // The same error, to be handed up without more context.
    std::unexpected<Error> pass() const { return std::unexpected(*this); }

  private:
    int code_;
    std::string text_;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// "No space left on device", or "error 12345" for a number that has no text: modules of the C
// library set what they like.
std::string errno_text(int code);

// Fails with the current errno.
std::unexpected<Error> errno_error(std::string_view doing, std::string_view on = {});

// Fails with a reason that is not an errno.
std::unexpected<Error> plain_error(std::string_view reason);

}  // namespace holdfast
