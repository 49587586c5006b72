#include "smtpd/base/suggest.h"

#include <algorithm>
#include <array>

namespace holdfast {

namespace {

constexpr std::size_t max_length = 64;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char a, char b) {
    return lower(a) == lower(b);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (a.size() > max_length || b.size() > max_length) return std::max(a.size(), b.size());
    // steps[i][j]: from the first i letters of `a` to the first j of `b`.
    std::array<std::array<std::size_t, max_length + 1>, max_length + 1> steps{};
    for (std::size_t i = 0; i <= a.size(); ++i) steps[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) steps[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = steps[i - 1][j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, replaced});
            const bool exchanged =
                i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
            if (exchanged) steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
        }
    }
    return steps[a.size()][b.size()];
}

std::string suggest(std::string_view typed, std::span<const std::string_view> words) {
    std::string_view nearest;
    std::size_t least = std::max<std::size_t>(1, typed.size() / 3) + 1;
    for (const std::string_view word : words) {
        const std::size_t distance = edit_distance(typed, word);
        // "mx" is one step from "m" and two from anything: short words need to share something.
        if (distance >= least || distance >= word.size()) continue;
        least = distance;
        nearest = word;
    }
    return std::string(nearest);
}

std::string alternatives(std::span<const std::string_view> words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool last = i + 1 == words.size();
        text.append(i == 0 ? "" : last ? " or " : " ").append(words[i]);
    }
    return text;
}

}  // namespace holdfast
