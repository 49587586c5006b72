#include "smtpd/mail/header.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 4> private_fields{"Bcc", "Resent-Bcc", "Return-Path",
                                                         "Content-Length"};
constexpr std::array<std::string_view, 4> recipient_fields{"To", "Cc", "Bcc", "Apparently-To"};
constexpr std::array<std::string_view, 3> resent_fields{"Resent-To", "Resent-Cc", "Resent-Bcc"};

// With its line end, where it has one.
std::string_view first_line(std::string_view text) {
    const std::size_t end = text.find('\n');
    return text.substr(0, end == std::string_view::npos ? end : end + 1);
}

bool is_mbox_line(std::string_view line) {
    return line.starts_with("From ") || line.starts_with(">From ");
}

bool continues_a_field(std::string_view line) {
    return line.starts_with(' ') || line.starts_with('\t');
}

// RFC 5322 section 2.2; white space before the colon is its section 4.5. Empty: this is no field.
std::string_view field_name(std::string_view line) {
    const auto ends = [](char c) { return c <= ' ' || c == ':' || c == 0x7f; };
    const auto end = std::ranges::find_if(line, ends);
    const std::string_view name(line.begin(), end);
    const std::string_view rest = line.substr(name.size());
    const std::size_t colon = rest.find_first_not_of(" \t");
    if (colon == std::string_view::npos || rest[colon] != ':') return {};
    return name;
}

// The field at the front of `text`, whose first line has this name.
HeaderField first_field(std::string_view text, std::string_view name) {
    std::size_t length = first_line(text).size();
    while (continues_a_field(text.substr(length))) length += first_line(text.substr(length)).size();
    const std::string_view raw = text.substr(0, length);
    std::string_view value = raw.substr(raw.find(':', name.size()) + 1);
    if (value.ends_with('\n')) value.remove_suffix(1);
    return HeaderField{name, value, raw};
}

bool is_one_of(const HeaderField& field, Names names) {
    return std::ranges::any_of(names, [&](std::string_view name) { return field.named(name); });
}

HeaderRecipients recipients_in(std::span<const HeaderField> fields, Names names) {
    HeaderRecipients found;
    for (const HeaderField& field : fields) {
        if (!is_one_of(field, names)) continue;
        AddressList list = parse_address_list(field.value, BareWords::unreadable);
        for (ListedAddress& address : list.addresses) {
            found.addresses.push_back(std::move(address.text));
        }
        std::ranges::move(list.unreadable, std::back_inserter(found.unreadable));
    }
    return found;
}

}  // namespace

bool HeaderField::named(std::string_view other) const {
    return ascii::equal(name, other);
}

bool HeaderField::blank() const {
    return ascii::trimmed(value).empty();
}

std::optional<HeaderField> take_field(std::string_view& message) {
    const std::string_view name = field_name(first_line(message));
    if (name.empty()) return std::nullopt;
    const HeaderField field = first_field(message, name);
    message.remove_prefix(field.raw.size());
    return field;
}

void skip_mbox_lines(std::string_view& message) {
    while (is_mbox_line(first_line(message))) message.remove_prefix(first_line(message).size());
}

SplitMessage split_message(std::string_view message) {
    skip_mbox_lines(message);
    SplitMessage split;
    while (const auto field = take_field(message)) split.fields.push_back(*field);
    if (message.starts_with('\n')) message.remove_prefix(1);
    split.body = message;
    return split;
}

bool is_private_field(const HeaderField& field) {
    return is_one_of(field, private_fields);
}

std::string public_header(std::span<const HeaderField> fields) {
    std::string header;
    for (const HeaderField& field : fields) {
        if (is_private_field(field)) continue;
        header.append(field.raw);
        if (!header.ends_with('\n')) header.push_back('\n');
    }
    header.push_back('\n');
    return header;
}

HeaderRecipients header_recipients(std::span<const HeaderField> fields) {
    HeaderRecipients resent = recipients_in(fields, resent_fields);
    if (!resent.addresses.empty()) return resent;
    return recipients_in(fields, recipient_fields);
}

}  // namespace holdfast
