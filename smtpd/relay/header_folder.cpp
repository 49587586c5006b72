#include "smtpd/relay/header_folder.h"

#include <utility>

#include "smtpd/relay/line_cutter.h"

namespace holdfast::relay {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool continues_a_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string HeaderFolder::feed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (line_.size() == max_line && is_blank(c) && is_blank(line_.back())) continue;
        line_.push_back(c);
        if (c == '\n') {
            out += std::exchange(line_, {});
        } else if (line_.size() > max_line) {
            out += fold();
        }
    }
    return out;
}

std::string HeaderFolder::finish() {
    return std::exchange(line_, {});
}

std::string HeaderFolder::fold() {
    const std::size_t at = place();
    if (at > 0) {
        std::string out = line_.substr(0, at) + "\n";
        line_.erase(0, at);
        return out;
    }
    if (line_.find_first_not_of(" \t") == max_line) {  // what is cut off would be white space
        line_.erase(0, 1);
        return {};
    }
    std::size_t length = max_line;
    while (length > max_line - 3 && continues_a_character(line_[length])) --length;
    std::string out = line_.substr(0, length) + "\n";
    line_.erase(0, length - 1);
    line_.front() = ' ';
    return out;
}

// The last white space between two words, or between the name of the field and a word: a line of
// nothing but white space would look like the end of the header. 0: there is none.
std::size_t HeaderFolder::place() const {
    const bool begins_field = !is_blank(line_.front());
    const std::size_t least = begins_field ? line_.find(':') : line_.find_first_not_of(" \t");
    if (least == std::string::npos) return 0;
    for (std::size_t at = line_.size() - 2; at > least; --at) {
        if (is_blank(line_[at])) return at;
    }
    return 0;
}

}  // namespace holdfast::relay
