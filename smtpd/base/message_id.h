// The name of a message everywhere: its file, the log, mailq, the Received header. A ULID:
// 48 bits of milliseconds and 80 random bits, written as 26 characters of Crockford's base 32.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "smtpd/base/clock.h"

namespace holdfast {

class MessageId {
  public:
    static constexpr std::size_t text_length = 26;

    MessageId() = default;

    // A new id from the time and the kernel's random numbers.
    static MessageId generate(WallTime now);

    // Exactly 26 upper-case characters, as text() writes them; anything else is no id.
    static std::optional<MessageId> parse(std::string_view text);

    std::string text() const;
    // The time that the id claims, which its chooser may have made up.
    WallTime time() const;

    auto operator<=>(const MessageId&) const = default;

    const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  private:
    std::array<std::uint8_t, 16> bytes_{};

  public:
    static constexpr auto members = std::tuple(&MessageId::bytes_);  // for the link codec
};

}  // namespace holdfast

template <>
struct std::hash<holdfast::MessageId> {
    // The last bytes are random, or chosen by a local user who can only slow down his own mail.
    std::size_t operator()(const holdfast::MessageId& id) const noexcept {
        std::size_t value = 0;
        for (std::size_t i = 8; i < 16; ++i) value = value << 8 | id.bytes()[i];
        return value;
    }
};
