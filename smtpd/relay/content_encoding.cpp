#include "smtpd/relay/content_encoding.h"

#include <vector>

#include "smtpd/mail/ascii.h"
#include "smtpd/relay/content_fields.h"
#include "smtpd/relay/eight_bit.h"
#include "smtpd/relay/encoded_words.h"
#include "smtpd/relay/phrase_encoding.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t max_name = 60;     // bytes of a parameter's: each section has it
constexpr std::size_t max_section = 50;  // bytes of a value

// In pieces of max_section bytes; at least one.
std::vector<std::string> percent_encoded(std::string_view value, std::string_view bare) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::vector<std::string> pieces(1);
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (pieces.back().size() > max_section - 3) pieces.emplace_back();
        if (ascii::is_alphanumeric(c) || (c != '\0' && bare.find(c) != bare.npos)) {
            pieces.back().push_back(c);
        } else {
            pieces.back().append({'%', digits[byte >> 4], digits[byte & 15]});
        }
    }
    return pieces;
}

std::string joined(const std::vector<std::string>& pieces) {
    std::string out;
    for (const std::string& piece : pieces) out += piece;
    return out;
}

// A value that said how it is encoded, or a piece of one, keeps its place among the others.
std::string encoded_section(std::string_view name, std::string_view value) {
    if (name.ends_with('*')) {
        return std::string(name) + "=" + joined(percent_encoded(value, "._-%'"));
    }
    const std::string charset = name.ends_with("*0") ? std::string(charset_of(value)) + "''" : "";
    return std::string(name) + "*=" + charset + joined(percent_encoded(value, "._-"));
}

std::string encoded_parameter(std::string_view name, std::string_view value) {
    if (name.find('*') != std::string_view::npos) return encoded_section(name, value);
    const std::string charset = std::string(charset_of(value)) + "''";
    const std::vector<std::string> pieces = percent_encoded(value, "._-");
    if (pieces.size() == 1) return std::string(name) + "*=" + charset + pieces.front();
    std::string out;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i > 0) out += ";\n ";
        out.append(name).append("*").append(std::to_string(i)).append("*=");
        out += (i == 0 ? charset : "") + pieces[i];
    }
    return out;
}

// Each item apart: what lies between them is white space, comments and semicolons.
class ContentEncoder {
  public:
    ContentEncoder(std::string_view value, std::size_t column) : value_(value), column_(column) {}

    std::string encode(std::string_view standard) {
        std::size_t done = 0;
        for (const ContentItem& item : content_items(value_)) {
            append_gap(value_.substr(done, item.begin - done));
            if (done == 0 && is_put_aside(item)) out_.append(standard).append(" ");
            append_item(item);
            done = item.end;
        }
        append_gap(value_.substr(done));
        return std::move(out_);
    }

  private:
    void append_gap(std::string_view gap) {
        out_ += has_eight_bit(gap) ? encoded_comments(gap, column()) : std::string(gap);
    }

    void append_item(const ContentItem& item) {
        if (!has_eight_bit(raw(item))) {
            out_.append(raw(item));
        } else if (is_put_aside(item)) {
            const std::string text = without_line_ends(raw(item));
            out_ += "(" + encoded({Word{{}, text, text}}, column() + 1) + ")";
        } else if (has_eight_bit(item.text)) {
            out_ += encoded_parameter(item.name, item.text);
        } else {  // in comments around the equals sign
            append_gap(value_.substr(item.begin, item.text_begin - item.begin));
            out_.append(value_.substr(item.text_begin, item.end - item.text_begin));
        }
    }

    // Into a comment.
    bool is_put_aside(const ContentItem& item) const {
        const bool parameter = !item.name.empty() && item.name.size() <= max_name;
        return has_eight_bit(raw(item)) && (!parameter || has_eight_bit(item.name));
    }

    std::string_view raw(const ContentItem& item) const {
        return value_.substr(item.begin, item.end - item.begin);
    }

    std::size_t column() const { return column_behind(out_, column_); }

    std::string_view value_;
    std::size_t column_;
    std::string out_;
};

}  // namespace

std::string encoded_content(std::string_view value, std::size_t column, std::string_view standard) {
    return ContentEncoder(value, column).encode(standard);
}

}  // namespace holdfast::relay
