#include "smtpd/relay/header_encoding.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"
#include "smtpd/relay/content_encoding.h"
#include "smtpd/relay/eight_bit.h"
#include "smtpd/relay/encoded_words.h"
#include "smtpd/relay/phrase_encoding.h"

namespace holdfast::relay {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 17> address_fields{"From",
                                                          "Sender",
                                                          "Reply-To",
                                                          "To",
                                                          "Cc",
                                                          "Bcc",
                                                          "Apparently-To",
                                                          "Errors-To",
                                                          "Resent-From",
                                                          "Resent-Sender",
                                                          "Resent-Reply-To",
                                                          "Resent-To",
                                                          "Resent-Cc",
                                                          "Resent-Bcc",
                                                          "Mail-Followup-To",
                                                          "Return-Receipt-To",
                                                          "Disposition-Notification-To"};

// Of a form in which encoded words mean nothing, comments excepted.
constexpr std::array<std::string_view, 17> formal_fields{"Date",
                                                         "Resent-Date",
                                                         "Message-ID",
                                                         "Resent-Message-ID",
                                                         "In-Reply-To",
                                                         "References",
                                                         "Received",
                                                         "Return-Path",
                                                         "MIME-Version",
                                                         "Content-ID",
                                                         "Content-Transfer-Encoding",
                                                         "DKIM-Signature",
                                                         "ARC-Seal",
                                                         "ARC-Message-Signature",
                                                         "ARC-Authentication-Results",
                                                         "Authentication-Results",
                                                         "Received-SPF"};

bool is_one_of(const HeaderField& field, Names names) {
    return std::ranges::any_of(names, [&](std::string_view name) { return field.named(name); });
}

std::string as_text(std::string_view value, std::size_t column) {
    return encoded(words_of(value), column);
}

std::string as_group(std::string_view value, std::size_t column) {
    const std::string text = without_line_ends(ascii::trimmed(value));
    return " " + encoded({Word{{}, text, text}}, column + 1) + " :;";
}

// Nothing where it is none of those fields. What stands for a type that cannot be read is what RFC
// 2045 section 5.2 and RFC 2183 section 2.8 have a reader take it for.
std::optional<std::string> as_content(const HeaderField& field, std::size_t column) {
    if (field.named("Content-Type")) return encoded_content(field.value, column, "text/plain");
    if (!field.named("Content-Disposition")) return std::nullopt;
    return encoded_content(field.value, column, "attachment");
}

}  // namespace

std::string ascii_field(std::string_view bytes) {
    std::string_view rest = bytes;
    const auto field = take_field(rest);
    if (!field || !has_eight_bit(bytes)) return std::string(bytes);
    const std::string_view value = field->value;
    const auto column = static_cast<std::size_t>(value.data() - bytes.data());
    const std::string front(bytes.substr(0, column));
    const std::string_view back = bytes.substr(column + value.size());
    if (const auto content = as_content(*field, column)) return (front + *content).append(back);
    const bool addresses = is_one_of(*field, address_fields);
    if (addresses || is_one_of(*field, formal_fields)) {
        const Phrases phrases = addresses ? Phrases::encoded : Phrases::fixed;
        if (const auto list = encoded_list(value, column, phrases)) {
            return (front + *list).append(back);
        }
        if (addresses) return (front + as_group(value, column)).append(back);
        return ("Downgraded-" + front + as_text(value, column)).append(back);
    }
    return (front + as_text(value, column)).append(back);
}

}  // namespace holdfast::relay
