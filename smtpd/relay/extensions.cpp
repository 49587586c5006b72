#include "smtpd/relay/extensions.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

// Those that are offered by their name alone.
struct Plain {
    std::string_view keyword;
    bool Extensions::* offered;
};

constexpr std::array plain_keywords{
    Plain{"PIPELINING", &Extensions::pipelining},
    Plain{"8BITMIME", &Extensions::eight_bit},
    Plain{"CHUNKING", &Extensions::chunking},
    Plain{"SMTPUTF8", &Extensions::utf8},
    Plain{"DSN", &Extensions::dsn},
    Plain{"STARTTLS", &Extensions::starttls},
    Plain{"ENHANCEDSTATUSCODES", &Extensions::enhanced_codes},
    Plain{"REQUIRETLS", &Extensions::require_tls},
};

std::string_view take_word(std::string_view& text) {
    text = ascii::trimmed(text);
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    return word;
}

// A number that is none, or none that a message could reach, is no limit.
std::uint64_t limit_of(std::string_view word) {
    std::uint64_t limit = 0;
    const char* const end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, limit);
    return read.ec == std::errc() && read.ptr == end ? limit : 0;
}

bool is_mechanism_name(std::string_view word) {
    return !word.empty() && word.size() <= max_mechanism_name &&
           std::ranges::all_of(
               word, [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; });
}

std::string upper_case(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    return result;
}

void add_mechanisms(std::string_view words, std::vector<std::string>& into) {
    while (into.size() < max_mechanisms) {
        const std::string_view word = take_word(words);
        if (word.empty()) return;
        const std::string name = upper_case(word);
        if (is_mechanism_name(word) && std::ranges::find(into, name) == into.end()) {
            into.push_back(name);
        }
    }
}

// "AUTH=LOGIN PLAIN" is how servers offered it before RFC 2554, and some still do as well.
constexpr std::string_view old_auth = "AUTH=";

void read_line(std::string_view line, Extensions& extensions) {
    const std::string_view keyword = take_word(line);
    for (const Plain& known : plain_keywords) {
        if (ascii::equal(keyword, known.keyword)) extensions.*known.offered = true;
    }
    if (ascii::equal(keyword, "SIZE")) {
        extensions.size = true;
        extensions.size_limit = limit_of(take_word(line));
    } else if (ascii::equal(keyword, "AUTH")) {
        add_mechanisms(line, extensions.auth);
    } else if (ascii::equal(keyword.substr(0, old_auth.size()), old_auth)) {
        add_mechanisms(keyword.substr(old_auth.size()), extensions.auth);
        add_mechanisms(line, extensions.auth);
    }
}

}  // namespace

Extensions read_extensions(const ServerReply& reply) {
    Extensions extensions;
    for (std::size_t i = 1; i < reply.lines.size(); ++i) read_line(reply.lines[i], extensions);
    // RFC 6531 section 3.1: whoever offers the one offers the other.
    if (extensions.utf8) extensions.eight_bit = true;
    return extensions;
}

}  // namespace holdfast::relay
