#include "smtpd/config/reading.h"

#include <algorithm>
#include <array>

#include "smtpd/base/suggest.h"
#include "smtpd/config/comma_list.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::size_t max_path = 4095;

std::string expected_quantity(const Quantity& kind, Range range) {
    std::string text = "a " + std::string(kind.noun) + " from " + kind.show(range.low) + " to " +
                       kind.show(range.high);
    if (!kind.examples.empty()) text.append(", such as ").append(kind.examples);
    return text;
}

}  // namespace

const Word* Reading::word(std::string_view what) {
    if (next_ < line_.words.size()) return &line_.words[next_++];
    const Word& last = line_.words.back();
    if (!failed_) {
        report({last.column + last.length + 1, 0, std::string(what) + " is missing",
                std::string(syntax_)});
    }
    return nullptr;
}

std::vector<Word> Reading::list(std::string_view what) {
    CommaList list;
    while (list.wants_more() || (!at_end() && line_.words[next_].text.starts_with(','))) {
        const Word* const given = word(what);
        if (given == nullptr) return {};
        if (auto fault = list.add(*given)) {
            report(std::move(*fault));
            return {};
        }
    }
    return list.items();
}

bool Reading::accept(std::string_view keyword) {
    const bool there = next_ < line_.words.size() && line_.words[next_].text == keyword;
    if (there) ++next_;
    return there;
}

Placed Reading::taken() const {
    return placed(line_.words[next_ - 1]);
}

bool Reading::require(std::string_view keyword) {
    const std::array<std::string_view, 1> only{keyword};
    return choice(only).has_value();
}

std::optional<std::size_t> Reading::choice(std::span<const std::string_view> choices) {
    const Word* const given =
        word(choices.size() == 1 ? in_quotes(choices.front()) : std::string("a word"));
    if (given == nullptr) return std::nullopt;
    const auto at = std::ranges::find(choices, given->text);
    if (at != choices.end()) return static_cast<std::size_t>(at - choices.begin());
    refuse(*given, "unknown word " + in_quotes(given->text), alternatives(choices),
           suggest(given->text, choices));
    return std::nullopt;
}

std::uint64_t Reading::quantity(const Quantity& kind, Range range, std::uint64_t otherwise) {
    const Word* const given = word("the " + std::string(kind.noun));
    if (given == nullptr) return otherwise;
    const auto value = kind.parse(given->text);
    if (value && *value >= range.low && *value <= range.high) return *value;
    const std::string problem = !value               ? " is not a " + std::string(kind.noun)
                                : *value < range.low ? " is too small"
                                                     : " is too large";
    refuse(*given, in_quotes(given->text) + problem, expected_quantity(kind, range));
    return otherwise;
}

std::optional<Placed> Reading::domain(std::string_view what) {
    const Word* const given = word(what);
    if (given == nullptr) return std::nullopt;
    if (is_domain_name(given->text)) {
        return Placed{ascii::lower_case(given->text), place(*given)};
    }
    const std::string without_dot = given->text.substr(0, given->text.find_last_not_of('.') + 1);
    refuse(*given, in_quotes(given->text) + " is not a domain name",
           "letters, digits, hyphens and dots (an international name in its xn-- form)",
           without_dot != given->text && is_domain_name(without_dot) ? without_dot : "");
    return std::nullopt;
}

std::optional<Placed> Reading::path(std::string_view what) {
    const Word* const given = word(what);
    return given == nullptr ? std::nullopt : path_of(*given);
}

std::optional<Placed> Reading::path_of(const Word& word) {
    if (word.text.starts_with('/') && word.text.size() <= max_path) return placed(word);
    refuse(word, in_quotes(word.text) + " is not a full path", "a path that begins with /");
    return std::nullopt;
}

std::optional<Placed> Reading::address(std::string_view what) {
    const Word* const given = word(what);
    if (given == nullptr) return std::nullopt;
    if (const auto address = Address::parse(given->text)) {
        return Placed{address->local_part() + "@" + ascii::lower_case(address->domain()),
                      place(*given)};
    }
    refuse(*given, in_quotes(given->text) + " is not an address", "NAME@DOMAIN");
    return std::nullopt;
}

void Reading::refuse(const Word& word, std::string message, std::string expected,
                     std::string suggestion) {
    report(fault_of(word, std::move(message), std::move(expected), std::move(suggestion)));
}

void Reading::refuse_unexpected(const Word& word) {
    refuse(word, "unexpected " + in_quotes(word.text), std::string(syntax_));
}

void Reading::report(Fault fault) {
    failed_ = true;
    diagnostics_.add(error_at(line_.place(), std::move(fault)));
}

void Reading::error(const Placed& what, std::string message, std::string note) {
    failed_ = true;
    diagnostics_.error(what.place, std::move(message), std::move(note));
}

void Reading::warn(const Placed& what, std::string message, std::string note) {
    diagnostics_.warn(what.place, std::move(message), std::move(note));
}

void Reading::finish() {
    if (failed_ || at_end()) return;
    refuse_unexpected(line_.words[next_]);
}

}  // namespace holdfast::config
