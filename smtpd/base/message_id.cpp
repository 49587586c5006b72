#include "smtpd/base/message_id.h"

#include <algorithm>
#include <span>

#include <sys/random.h>

#include "smtpd/base/panic.h"

namespace holdfast {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

constexpr std::size_t time_bytes = 6;
constexpr std::size_t random_bytes = 10;

// The kernel's random numbers, for many ids at a time: up to 256 bytes come whole. Each thread has
// its own. Who forks and goes on making ids in both processes would make the same ones: nobody
// does.
std::span<const std::uint8_t> fresh_random_bytes() {
    static thread_local std::array<std::uint8_t, 25 * random_bytes> block;
    static thread_local std::size_t left = 0;
    if (left == 0) {
        if (getrandom(block.data(), block.size(), 0) != static_cast<ssize_t>(block.size())) {
            panic("getrandom gave no random bytes");
        }
        left = block.size();
    }
    left -= random_bytes;
    return std::span(block).subspan(left, random_bytes);
}

}  // namespace

MessageId MessageId::generate(WallTime now) {
    MessageId id;
    const auto milliseconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
    for (std::size_t i = 0; i < time_bytes; ++i) {
        id.bytes_.at(i) = static_cast<std::uint8_t>(milliseconds >> (8 * (time_bytes - 1 - i)));
    }
    std::ranges::copy(fresh_random_bytes(), id.bytes_.begin() + time_bytes);
    return id;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
    if (text.size() != text_length) return std::nullopt;
    MessageId id;
    unsigned pending = 0;
    int pending_bits = -2;  // 26 characters hold 130 bits: the first two must be zero
    std::size_t filled = 0;
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        if (pending_bits == -2 && value > 7) return std::nullopt;
        pending = (pending << 5 | static_cast<unsigned>(value)) & 0xfff;
        pending_bits += 5;
        if (pending_bits < 8) continue;
        pending_bits -= 8;
        id.bytes_.at(filled++) = static_cast<std::uint8_t>(pending >> pending_bits);
    }
    return id;
}

std::string MessageId::text() const {
    std::string result;
    result.reserve(text_length);
    unsigned pending = 0;
    int pending_bits = 2;
    for (const std::uint8_t byte : bytes_) {
        pending = (pending << 8 | byte) & 0x1fff;
        pending_bits += 8;
        while (pending_bits >= 5) {
            pending_bits -= 5;
            result.push_back(alphabet[pending >> pending_bits & 31]);
        }
    }
    return result;
}

WallTime MessageId::time() const {
    std::uint64_t milliseconds = 0;
    for (std::size_t i = 0; i < time_bytes; ++i) milliseconds = milliseconds << 8 | bytes_.at(i);
    return WallTime(std::chrono::milliseconds(milliseconds));
}

}  // namespace holdfast
