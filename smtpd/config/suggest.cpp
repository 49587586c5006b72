#include "smtpd/config/suggest.h"

#include <algorithm>
#include <array>

#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::size_t max_length = 64;

using Row = std::array<std::size_t, max_length + 1>;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (a.size() > max_length || b.size() > max_length) return std::max(a.size(), b.size());
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = ascii::lower(a[i - 1]) == ascii::lower(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
            const bool exchanged = i > 1 && j > 1 &&
                                   ascii::lower(a[i - 1]) == ascii::lower(b[j - 2]) &&
                                   ascii::lower(a[i - 2]) == ascii::lower(b[j - 1]);
            if (exchanged) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = row;
    }
    return last[b.size()];
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

}  // namespace holdfast::config
