#include "smtpd/relay/envelope_commands.h"

#include <algorithm>
#include <array>

#include "smtpd/base/utf8.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t max_envid = 100;     // RFC 3461 section 4.4
constexpr std::size_t max_original = 500;  // RFC 3461 section 4.2

bool is_beyond_ascii(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

// Printable ASCII without a space.
bool is_word(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c != ' ' && ascii::is_printable(c); });
}

// The address with a letter for each character beyond ASCII, so that the rules for ASCII can be
// asked (RFC 6531 section 3.3); empty where there are bytes that are no character.
std::string with_letters(std::string_view address) {
    std::string result;
    while (!address.empty()) {
        const std::size_t length = character_length(address);
        if (length == 0) return {};
        result.push_back(length == 1 ? address.front() : 'x');
        address.remove_prefix(length);
    }
    return result;
}

// RFC 3461 section 4.2: a type, ";", and the address as xtext. Empty where it is not that.
std::string original_recipient(std::string_view original) {
    const std::size_t semicolon = original.find(';');
    if (semicolon == std::string_view::npos || !is_word(original)) return {};
    const std::string_view type = original.substr(0, semicolon);
    const bool is_type = !type.empty() && std::ranges::all_of(type, [](char c) {
        return ascii::is_alphanumeric(c) || c == '-';
    });
    if (!is_type) return {};
    std::string result = std::string(type) + ";" + xtext(original.substr(semicolon + 1));
    return result.size() <= max_original ? result : std::string();
}

struct Wish {
    std::uint8_t bit;
    std::string_view word;
};
constexpr std::array wishes{Wish{notify_success, "SUCCESS"}, Wish{notify_failure, "FAILURE"},
                            Wish{notify_delay, "DELAY"}};

// RFC 3461 section 5.2.1: who asked for nothing is to ask for nothing here either.
std::string notify_parameter(std::uint8_t notify) {
    if (notify == notify_default) return {};
    std::string words;
    if ((notify & notify_never) != 0) return " NOTIFY=NEVER";
    for (const auto& [bit, word] : wishes) {
        if ((notify & bit) != 0) words.append(words.empty() ? "" : ",").append(word);
    }
    return words.empty() ? words : " NOTIFY=" + words;
}

std::string_view return_parameter(Return ret) {
    switch (ret) {
        case Return::full:
            return " RET=FULL";
        case Return::headers:
            return " RET=HDRS";
        case Return::unspecified:
            break;
    }
    return {};
}

std::string notice_parameters(const Transaction& transaction) {
    std::string result(return_parameter(transaction.ret));
    if (transaction.envid.empty() || !is_word(transaction.envid)) return result;
    const std::string envid = xtext(transaction.envid);
    if (envid.size() <= max_envid) result += " ENVID=" + envid;
    return result;
}

}  // namespace

Sendable sendable(std::string_view address) {
    if (address.size() > Address::max_length) return Sendable::malformed;
    const std::string letters = with_letters(address);
    if (!is_word(letters) || !Address::parse(letters)) return Sendable::malformed;
    return std::ranges::any_of(address, is_beyond_ascii) ? Sendable::needs_utf8 : Sendable::yes;
}

std::string xtext(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c != ' ' && c != '+' && c != '=' && ascii::is_printable(c)) {
            result.push_back(c);
        } else {
            result.append("+").push_back(digits[byte >> 4]);
            result.push_back(digits[byte & 15]);
        }
    }
    return result;
}

std::string mail_command(const Transaction& transaction, const Extensions& offered) {
    std::string command = "MAIL FROM:<" + transaction.sender + ">";
    if (offered.size && transaction.size != 0) {
        command += " SIZE=" + std::to_string(transaction.size);
    }
    if (offered.eight_bit && transaction.eight_bit) command += " BODY=8BITMIME";
    if (offered.utf8 && transaction.utf8) command += " SMTPUTF8";
    if (offered.require_tls && transaction.require_tls) command += " REQUIRETLS";
    if (offered.dsn) command += notice_parameters(transaction);
    return command + "\r\n";
}

std::string rcpt_command(const Recipient& recipient, const Extensions& offered) {
    std::string command = "RCPT TO:<" + recipient.address + ">";
    if (offered.dsn) {
        command += notify_parameter(recipient.notify);
        const std::string original = original_recipient(recipient.original);
        if (!original.empty()) command += " ORCPT=" + original;
    }
    return command + "\r\n";
}

}  // namespace holdfast::relay
