#include "smtpd/dns/trust_anchors.h"

#include "smtpd/dns/words.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::dns {

namespace {

// States of unbound's own notation: 2 valid, 3 missing (still trusted). No state: always.
bool is_trusted(std::string_view comment) {
    constexpr std::string_view mark = ";;state=";
    const std::size_t at = comment.find(mark);
    if (at == std::string_view::npos) return true;
    const std::string_view state = comment.substr(at + mark.size());
    return state.starts_with('2') || state.starts_with('3');
}

bool names_a_key(std::string_view record) {
    for (auto word = take_word(record); !word.empty(); word = take_word(record)) {
        if (word == "DS" || word == "DNSKEY") return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> parse_trust_anchors(std::string_view text) {
    std::vector<std::string> anchors;
    while (!text.empty() && anchors.size() < max_trust_anchors) {
        const std::string_view line = take_line(text);
        const std::size_t comment = std::min(line.find(';'), line.size());
        const std::string_view record = ascii::trimmed(line.substr(0, comment));
        if (record.find('\0') != std::string_view::npos) continue;
        if (names_a_key(record) && is_trusted(line.substr(comment))) anchors.emplace_back(record);
    }
    return anchors;
}

}  // namespace holdfast::dns
