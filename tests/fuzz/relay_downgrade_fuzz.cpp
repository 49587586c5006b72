// A message for a server that takes less: what comes out is what the server takes, wherever the
// message is cut, is not changed again, and has the parts that it had.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "smtpd/relay/body_analysis.h"
#include "smtpd/relay/downgrade.h"
#include "smtpd/relay/eight_bit.h"

namespace {

using namespace holdfast::relay;

void require(bool condition) {
    if (!condition) std::abort();
}

MessageFacts facts_of(std::string_view text, std::size_t piece) {
    BodyAnalysis analysis;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        analysis.feed(text.substr(at, piece));
    }
    return analysis.finish();
}

std::string converted(std::string_view text, Octets octets, std::size_t piece) {
    Downgrade downgrade(facts_of(text, piece), octets);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        out += downgrade.feed(text.substr(at, piece));
    }
    return out + downgrade.finish();
}

bool has_long_line(std::string_view text) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') begin = i + 1;
        if (i - begin >= max_line && text[i] != '\n') return true;
    }
    return false;
}

void check(const std::string& text, Octets octets, std::size_t piece) {
    const MessageFacts facts = facts_of(text, piece);
    const std::string out = converted(text, octets, piece);
    require(out == converted(text, octets, text.size() + 1));
    if (!needs_conversion(facts, octets)) require(out == text);
    if (obstacle(facts, octets)) return;
    require(!has_long_line(out));
    require(octets != Octets::seven_bit || !has_eight_bit(out));
    const MessageFacts again = facts_of(out, piece);
    require(!needs_conversion(again, octets));
    require(again.parts.size() == facts.parts.size());
    for (std::size_t i = 0; i < again.parts.size(); ++i) {
        require(again.parts[i].has_parts == facts.parts[i].has_parts);
    }
}

// Lines that hardly come about by chance: '\x01' stands for many bytes.
std::string unpacked(std::string_view input) {
    std::string text;
    for (const char c : input) {
        if (c == '\x01') {
            text.append(600, 'x');
        } else if (c == '\x02') {
            text.append(600, ' ');
        } else {
            text.push_back(c);
        }
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 20'000) return 0;
    const std::size_t piece = 1 + std::size_t{data[0]} * 8 % 97;
    const std::string text =
        unpacked({reinterpret_cast<const char*>(data + 1), size - 1}).substr(0, 200'000);
    for (const Octets octets : {Octets::seven_bit, Octets::eight_bit_body, Octets::utf8}) {
        check(text, octets, piece);
    }
    return 0;
}
