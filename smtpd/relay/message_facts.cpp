#include "smtpd/relay/message_facts.h"

#include <algorithm>

namespace holdfast::relay {

namespace {

bool fixed(const PartFacts& part) {
    return part.shape == Shape::sealed || part.shape == Shape::unread;
}

std::string_view place_of(Shape shape) {
    return shape == Shape::sealed ? "in a part that is signed or encrypted"
                                  : "in a part that is nested too deep, or behind 1000 others";
}

}  // namespace

bool MessageFacts::header_eight_bit() const {
    return !parts.empty() && parts.front().header_eight_bit;
}

bool MessageFacts::body_eight_bit() const {
    const auto wide = [](const PartFacts& part) { return part.text_eight_bit; };
    const auto in_header = [](const PartFacts& part) { return part.header_eight_bit; };
    return std::ranges::any_of(parts, wide) ||
           (!parts.empty() && std::any_of(parts.begin() + 1, parts.end(), in_header));
}

bool MessageFacts::long_lines() const {
    return std::ranges::any_of(
        parts, [](const PartFacts& part) { return part.header_long_line || part.text_long_line; });
}

bool encodes_text(const PartFacts& part, Octets octets) {
    return part.text_long_line || (part.text_eight_bit && octets == Octets::seven_bit);
}

bool encodes_fields(const MessageFacts& facts, std::size_t part, Octets octets) {
    if (!facts.parts[part].header_eight_bit) return false;
    return octets == Octets::seven_bit || (octets == Octets::eight_bit_body && part == 0);
}

bool needs_conversion(const MessageFacts& facts, Octets octets) {
    for (std::size_t i = 0; i < facts.parts.size(); ++i) {
        const PartFacts& part = facts.parts[i];
        if (part.header_long_line || encodes_text(part, octets)) return true;
        if (encodes_fields(facts, i, octets)) return true;
    }
    return false;
}

std::optional<Obstacle> obstacle(const MessageFacts& facts, Octets octets) {
    using What = Obstacle::What;
    for (std::size_t i = 0; i < facts.parts.size(); ++i) {
        const PartFacts& part = facts.parts[i];
        if (part.large_eight_bit && encodes_fields(facts, i, octets)) {
            return Obstacle{What::eight_bit, "8-bit text in a header field over 64 KiB"};
        }
        if (!fixed(part) || !encodes_text(part, octets)) continue;
        const bool narrow = part.text_eight_bit && octets == Octets::seven_bit;
        const std::string_view what = narrow ? "8-bit text " : "a line over 998 bytes ";
        return Obstacle{narrow ? What::eight_bit : What::long_line,
                        std::string(what).append(place_of(part.shape))};
    }
    return std::nullopt;
}

}  // namespace holdfast::relay
