#include "smtpd/relay/base64_text.h"

#include <utility>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/base64.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t line_octets = 57;  // 76 bytes when encoded
constexpr std::size_t max_column = 76;

bool has_meaning(char c) {
    return ascii::is_alphanumeric(c) || c == '+' || c == '/' || c == '=';
}

}  // namespace

std::string Base64Text::feed(std::string_view text) {
    for (const char c : text) {
        if (std::exchange(line_end_, c == '\n')) octets_.append("\r\n");
        if (c != '\n') octets_.push_back(c);
    }
    std::string out;
    std::size_t done = 0;
    for (; octets_.size() - done >= line_octets; done += line_octets) {
        out += base64_encoded(std::string_view(octets_).substr(done, line_octets));
        out.push_back('\n');
    }
    octets_.erase(0, done);
    return out;
}

std::string Base64Text::finish(Behind behind) {
    if (std::exchange(line_end_, false) && behind == Behind::nothing) octets_.append("\r\n");
    std::string out;
    for (std::string_view rest = octets_; !rest.empty();) {
        const std::string_view line = rest.substr(0, line_octets);
        out += base64_encoded(line) + "\n";
        rest.remove_prefix(line.size());
    }
    octets_.clear();
    return out;
}

std::string Base64Again::feed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool full = column_ == max_column && has_meaning(c);
        if (column_ > 0 && (c == '\n' || full)) {
            out.push_back('\n');
            column_ = 0;
        }
        if (!has_meaning(c)) continue;
        out.push_back(c);
        ++column_;
    }
    return out;
}

std::string Base64Again::finish() {
    return std::exchange(column_, 0) > 0 ? "\n" : "";
}

}  // namespace holdfast::relay
