#include "ctl/mtactl/utf8.h"

#include <algorithm>
#include <array>

namespace holdfast::mtactl {

namespace {

// RFC 3629 section 4: what the first two bytes may be; all others are 80-BF.
struct Form {
    unsigned char first_low;
    unsigned char first_high;
    unsigned char second_low;
    unsigned char second_high;
    std::size_t length;
};

constexpr std::array forms{Form{0xc2, 0xdf, 0x80, 0xbf, 2}, Form{0xe0, 0xe0, 0xa0, 0xbf, 3},
                           Form{0xe1, 0xec, 0x80, 0xbf, 3}, Form{0xed, 0xed, 0x80, 0x9f, 3},
                           Form{0xee, 0xef, 0x80, 0xbf, 3}, Form{0xf0, 0xf0, 0x90, 0xbf, 4},
                           Form{0xf1, 0xf3, 0x80, 0xbf, 4}, Form{0xf4, 0xf4, 0x80, 0x8f, 4}};

bool is_between(char c, unsigned char low, unsigned char high) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= low && byte <= high;
}

}  // namespace

std::size_t character_length(std::string_view text) {
    if (text.empty()) return 0;
    if (is_between(text[0], 0, 0x7f)) return 1;
    const auto form = std::ranges::find_if(forms, [text](const Form& candidate) {
        return is_between(text[0], candidate.first_low, candidate.first_high);
    });
    if (form == forms.end() || text.size() < form->length) return 0;
    if (!is_between(text[1], form->second_low, form->second_high)) return 0;
    const auto rest = text.substr(2, form->length - 2);
    const bool whole = std::ranges::all_of(rest, [](char c) { return is_between(c, 0x80, 0xbf); });
    return whole ? form->length : 0;
}

}  // namespace holdfast::mtactl
