// One statement while it is read: its words from left to right, each checked as it is taken, and
// the settings that it changes. Whatever a function here refuses it has also reported, so that a
// statement's own function only says what it wants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/lexer.h"
#include "smtpd/config/quantity.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

// A line of the file, cut into words.
struct Line {
    std::string file;
    std::uint32_t number = 0;
    std::string source;
    std::vector<Word> words;

    Place place(std::uint32_t column, std::uint32_t length) const;
    Place place(const Word& word) const { return place(word.column, word.length); }
    // Just behind the last word: where something is missing.
    Place end() const;
};

class Reading {
  public:
    // The values of the statement begin at word `first`; `syntax` is how the manual writes it.
    Reading(const Line& line, std::size_t first, std::string_view syntax)
        : line_(line), next_(first), syntax_(syntax) {}

    // The next word; `what` it would be is said where it is missing.
    const Word* word(std::string_view what);

    // Takes the next word where it is `keyword`, a part of the statement that may be left out.
    bool accept(std::string_view keyword);
    // As accept(), and reports anything else.
    bool require(std::string_view keyword);

    // One of `choices`, as an index.
    std::optional<std::size_t> choice(std::span<const std::string_view> choices);

    std::optional<std::uint64_t> quantity(const Quantity& kind, Range range);
    // A domain name in lower case.
    std::optional<Placed> domain(std::string_view what);
    // The absolute path of a file.
    std::optional<Placed> path(std::string_view what);

    void refuse(const Word& word, std::string message, std::string expected,
                std::string suggestion = {});
    void report(Fault fault);
    void warn(Place place, std::string message, std::string note);

    // Words that nobody took are reported, unless something was wrong before them.
    void finish();

    Place place(const Word& word) const { return line_.place(word); }
    Diagnostics take_diagnostics() { return std::move(diagnostics_); }

  private:
    const Line& line_;
    std::size_t next_;
    std::string_view syntax_;
    Diagnostics diagnostics_;
};

}  // namespace holdfast::config
