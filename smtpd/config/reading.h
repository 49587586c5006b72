// One statement while it is read: its words from left to right, each checked as it is taken.
// Whatever a function here refuses it has also reported, so that a statement's own function only
// says what it wants. After the first error nothing is called missing or too much: it would only
// follow from that error.
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

    // Of the line as a whole, and of a word.
    Place place() const { return {file, number, 0, 0, source}; }
    Place place(const Word& word) const { return {file, number, word.column, word.length, source}; }
};

class Reading {
  public:
    // The values of the statement begin at word `first`; `syntax` is how the manual writes it.
    Reading(const Line& line, std::size_t first, std::string_view syntax, Diagnostics& diagnostics)
        : line_(line), next_(first), syntax_(syntax), diagnostics_(diagnostics) {}

    // The next word; `what` it would be is said where it is missing.
    const Word* word(std::string_view what);

    // Words with commas between them, which may touch either word or none: "a, b", "a,b", "a ,b".
    // At least one; empty after an error.
    std::vector<Word> list(std::string_view what);

    // Takes the next word where it is `keyword`, a part of the statement that may be left out.
    bool accept(std::string_view keyword);
    // The next word, which is not taken; null at the end.
    const Word* next() const { return at_end() ? nullptr : &line_.words[next_]; }
    // Whether all words have been taken.
    bool at_end() const { return next_ >= line_.words.size(); }
    // The word that was taken last.
    Placed taken() const;
    // As accept(), and reports anything else.
    bool require(std::string_view keyword);

    // One of `choices`, as an index.
    std::optional<std::size_t> choice(std::span<const std::string_view> choices);

    // The value, or `otherwise` where there is none that is allowed.
    std::uint64_t quantity(const Quantity& kind, Range range, std::uint64_t otherwise);
    // A domain name in lower case.
    std::optional<Placed> domain(std::string_view what);
    // The absolute path of a file or folder.
    std::optional<Placed> path(std::string_view what);
    std::optional<Placed> path_of(const Word& word);
    // NAME@DOMAIN, the domain in lower case.
    std::optional<Placed> address(std::string_view what);

    void refuse(const Word& word, std::string message, std::string expected,
                std::string suggestion = {});
    // A word that may not stand where it stands.
    void refuse_unexpected(const Word& word);
    void report(Fault fault);
    void error(const Placed& what, std::string message, std::string note);
    void warn(const Placed& what, std::string message, std::string note);

    // From here on `syntax` is what is expected where a word is missing.
    void begin_part(std::string_view syntax) { syntax_ = syntax; }

    // Words that nobody took are reported, unless something was wrong before them.
    void finish();

    // Whether something has been refused.
    bool failed() const { return failed_; }

    Place place(const Word& word) const { return line_.place(word); }
    Placed placed(const Word& word) const { return {word.text, place(word)}; }

  private:
    const Line& line_;
    std::size_t next_;
    std::string_view syntax_;
    Diagnostics& diagnostics_;
    bool failed_ = false;
};

}  // namespace holdfast::config
