// Lines of words: how the values of queue files and seen/ files are written and read. Pure.
//
// A number, a time, a text or a name is one word; a struct is the words of its members, a vector
// those of its elements, up to the end of the line. Each value has one spelling only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "queue/envelope.h"
#include "queue/verdict.h"

namespace holdfast::queue {

// What the values of an enumeration are called, in its order.
template <class Value>
inline constexpr std::array<std::string_view, 0> names_of{};
template <>
inline constexpr std::array<std::string_view, 2> names_of<bool>{"7bit", "8bit"};
template <>
inline constexpr std::array<std::string_view, 3> names_of<Source>{"smtp", "local", "queue"};
template <>
inline constexpr std::array<std::string_view, 3> names_of<Return>{"unspecified", "full", "headers"};
template <>
inline constexpr std::array<std::string_view, 3> names_of<Verdict>{"delivered", "retry", "refused"};

template <class Value>
concept Named = !names_of<Value>.empty();

// The members of a struct in the order of their words.
template <class Struct>
inline constexpr auto words_of = Struct::members;
template <>
inline constexpr auto words_of<Recipient> =
    std::tuple(&Recipient::address, &Recipient::original, &Recipient::notify);
template <>
inline constexpr auto words_of<Outcome> =
    std::tuple(&Outcome::verdict, &Outcome::enhanced, &Outcome::place, &Outcome::text);

std::string word_of(const std::string& text);  // percent encoded
std::string word_of(std::uint32_t number);
std::string word_of(std::uint8_t notify);  // "failure,delay", the words of RFC 3461; "none"
std::string word_of(std::int64_t time);    // milliseconds since 1970; the nearest until 9999
std::string word_of(const MessageId& id);
template <Named Value>
std::string word_of(Value value) {
    return std::string(names_of<Value>.at(static_cast<std::size_t>(value)));
}

template <class Value>
std::optional<Value> parse_word(std::string_view word) {
    for (std::size_t i = 0; i < names_of<Value>.size(); ++i) {
        if (names_of<Value>.at(i) == word) return static_cast<Value>(i);
    }
    return std::nullopt;
}
template <>
std::optional<std::string> parse_word(std::string_view word);
template <>
std::optional<std::uint32_t> parse_word(std::string_view word);
template <>
std::optional<std::uint8_t> parse_word(std::string_view word);
template <>
std::optional<std::int64_t> parse_word(std::string_view word);
template <>
std::optional<MessageId> parse_word(std::string_view word);

template <class Value>
concept OneWord = requires(const Value& value) { word_of(value); };
template <class Value>
inline constexpr bool is_list = false;
template <class Element>
inline constexpr bool is_list<std::vector<Element>> = true;

// Adds the words of `value`, each with a space in front.
template <class Value>
void append_words(std::string& line, const Value& value) {
    if constexpr (OneWord<Value>) {
        line.append(" ").append(word_of(value));
    } else if constexpr (is_list<Value>) {
        for (const auto& element : value) append_words(line, element);
    } else {
        std::apply([&](auto... member) { (append_words(line, value.*member), ...); },
                   words_of<Value>);
    }
}

// Takes words off a line; exactly one space stands between two.
class Words {
  public:
    explicit Words(std::string_view line) : rest_(line), more_(!line.empty()) {}

    bool more() const { return more_; }
    // The next word as it stands; empty where there is none, which no word that we write is.
    std::string_view word();

    // The value of the next words; nothing where they are not exactly what would have been written.
    template <class Value>
    std::optional<Value> value() {
        std::optional<Value> value(std::in_place);
        if constexpr (OneWord<Value>) {
            const std::string_view found = word();
            value = parse_word<Value>(found);
            // Only one spelling counts: 007, or %41 for "A", was not written by us.
            if (value && word_of(*value) != found) value.reset();
        } else if constexpr (is_list<Value>) {
            bool whole = true;
            while (whole && more()) whole = take(value->emplace_back());
            if (!whole) value.reset();
        } else {
            const auto take_all = [&](auto... member) { return (take((*value).*member) && ...); };
            if (!std::apply(take_all, words_of<Value>)) value.reset();
        }
        return value;
    }

  private:
    template <class Value>
    bool take(Value& into) {
        auto taken = value<Value>();
        if (taken) into = std::move(*taken);
        return taken.has_value();
    }

    std::string_view rest_;
    bool more_;
};

// Eight digits of lower-case hexadecimal.
std::string hex8(std::uint32_t value);

// Adds " " and the CRC of `line`; and takes them off again, nothing where they don't fit.
void append_crc(std::string& line, std::uint32_t seed);
std::optional<std::string_view> without_crc(std::string_view line, std::uint32_t seed);

}  // namespace holdfast::queue
