#include "smtpd/mda/mbox_format.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

constexpr std::string_view from = "From ";

// Mail programs take the second word for the sender: a quoted local part must stay one word.
std::string one_word(std::string_view sender) {
    if (sender.empty()) return "MAILER-DAEMON";
    std::string word = header_text(sender);
    std::ranges::replace(word, ' ', '-');
    return word;
}

}  // namespace

std::string from_line(const links::Deliver& order) {
    const std::time_t seconds = order.admitted / 1000;
    tm at{};
    gmtime_r(&seconds, &at);
    std::array<char, 64> date{};
    // No room has a locale but "C".
    std::strftime(date.data(), date.size(), " %a %b %e %H:%M:%S %Y\n", &at);
    return std::string(from) + one_word(order.return_path) + date.data();
}

std::string MboxQuoter::quote(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 64 + from.size());
    while (!bytes.empty()) {
        if (!inside_) {
            begin_line(out, bytes.front());
            bytes.remove_prefix(1);
            continue;
        }
        const std::size_t end = bytes.find('\n');
        inside_ = line_open_ = end == std::string_view::npos;
        const std::size_t length = inside_ ? bytes.size() : end + 1;
        out.append(bytes.substr(0, length));
        bytes.remove_prefix(length);
    }
    return out;
}

// A run of ">" goes out as it comes, however long: the one to add may stand at its end.
void MboxQuoter::begin_line(std::string& out, char next) {
    line_open_ = true;
    if (next == from[matched_]) {
        if (++matched_ < from.size()) return;
        out.append(">").append(from);
        inside_ = true;
    } else if (matched_ == 0 && next == '>') {
        out.push_back(next);
        return;
    } else {
        out.append(from.substr(0, matched_)).push_back(next);
        inside_ = line_open_ = next != '\n';
    }
    matched_ = 0;
}

std::string MboxQuoter::finish() {
    std::string out(from.substr(0, matched_));
    if (line_open_) out.push_back('\n');
    out.push_back('\n');
    *this = MboxQuoter();
    return out;
}

}  // namespace holdfast::mda
