#include "smtpd/relay/content_fields.h"

#include <algorithm>
#include <utility>

#include "smtpd/mail/address_lexer.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

class ItemReader {
  public:
    explicit ItemReader(std::string_view value) : value_(value) {}

    std::vector<ContentItem> read() {
        std::vector<ContentItem> items;
        while (true) {
            skip_blank();
            if (at_ == value_.size()) return items;
            if (rest().front() == ';') {
                ++at_;
            } else {
                items.push_back(item());
            }
        }
    }

  private:
    std::string_view rest() const { return value_.substr(at_); }
    void skip_blank() { at_ += blank_length(rest()); }

    ContentItem item() {
        const std::size_t begin = at_;
        const std::string_view name = run("=");
        if (name.empty() && !rest().starts_with('=')) at_ = value_.size();  // an open comment
        const std::size_t end = at_;
        skip_blank();
        if (!rest().starts_with('=')) return word(begin, end);
        ++at_;
        skip_blank();
        const std::size_t text_begin = at_;
        std::string text = rest().starts_with('"') ? quoted() : std::string(run(""));
        if (name.empty()) return word(begin, at_);
        return {begin, at_, name, std::move(text), text_begin};
    }

    ContentItem word(std::size_t begin, std::size_t end) const {
        return {begin, end, {}, std::string(value_.substr(begin, end - begin)), begin};
    }

    // Up to white space, a comment, a semicolon or one of `stops`. A boundary without quotes may
    // hold whatever RFC 2045 forbids there.
    std::string_view run(std::string_view stops) {
        const auto stop = [&](char c) {
            return ascii::is_space(c) || c == ';' || c == '(' || stops.find(c) != stops.npos;
        };
        const std::string_view text = rest();
        const auto length =
            static_cast<std::size_t>(std::ranges::find_if(text, stop) - text.begin());
        at_ += length;
        return text.substr(0, length);
    }

    // To the closing quote, or to the end.
    std::string quoted() {
        std::string text;
        for (++at_; at_ < value_.size(); ++at_) {
            if (value_[at_] == '"') {
                ++at_;
                return text;
            }
            if (value_[at_] == '\\' && at_ + 1 < value_.size()) ++at_;
            text.push_back(value_[at_]);
        }
        return text;
    }

    std::string_view value_;
    std::size_t at_ = 0;
};

// What may stand in a type (RFC 2045 section 5.1).
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c == '.' || (ascii::is_atext(c) && c != '/' && c != '=' && c != '?');
    });
}

// As RFC 2231 has it ("boundary*=", "boundary*0=") as well.
bool names_boundary(const ContentItem& item) {
    return ascii::equal(item.name.substr(0, item.name.find('*')), "boundary");
}

bool is_boundary(const ContentItem& item) {
    return item.name.find('*') == std::string_view::npos && item.text.size() <= max_boundary &&
           std::ranges::all_of(item.text, ascii::is_printable);
}

// RFC 2046 section 5.1.1: a boundary does not end with white space, but delimiters may.
std::string_view without_blank_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

}  // namespace

std::vector<ContentItem> content_items(std::string_view value) {
    return ItemReader(value).read();
}

ContentType parse_content_type(std::string_view value) {
    const std::vector<ContentItem> items = content_items(value);
    if (items.empty() || !items.front().name.empty()) return {};
    const std::string_view words = items.front().text;
    const std::size_t slash = words.find('/');
    if (slash == std::string_view::npos) return {};
    ContentType result;
    result.type = ascii::lower_case(words.substr(0, slash));
    result.subtype = ascii::lower_case(words.substr(slash + 1));
    if (!is_token(result.type) || !is_token(result.subtype)) return {};
    const auto boundary = std::ranges::find_if(items, names_boundary);
    if (boundary != items.end() && is_boundary(*boundary)) {
        result.boundary = without_blank_end(boundary->text);
    }
    return result;
}

TransferEncoding parse_transfer_encoding(std::string_view value) {
    const std::vector<ContentItem> items = content_items(value);
    const std::string_view word = items.empty() ? "" : std::string_view(items.front().text);
    const auto is = [&](std::string_view name) { return ascii::equal(word, name); };
    if (is("8bit")) return TransferEncoding::eight_bit;
    if (is("binary")) return TransferEncoding::binary;
    if (is("quoted-printable")) return TransferEncoding::quoted_printable;
    if (is("base64")) return TransferEncoding::base64;
    return TransferEncoding::seven_bit;
}

}  // namespace holdfast::relay
