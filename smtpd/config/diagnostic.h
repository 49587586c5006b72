// What is wrong with the configuration, and where: plain data, so that a terminal and a program
// (--json) are told the same. render.h turns it into text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

enum class Severity : std::uint8_t { error, warning };

// A stretch of a file. Lines and columns count from 1, columns and lengths in bytes; line 0 means
// the file as a whole, column 0 the line as a whole, an empty file name the machine.
struct Place {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t length = 0;
    std::string source;  // the line, as it was read

    // "smtpd.conf:3"
    std::string text() const;
};

struct Diagnostic {
    Severity severity = Severity::error;
    Place place;
    std::string message;                  // one line, no full stop
    std::string expected = {};            // what could stand there instead; may be empty
    std::string suggestion = {};          // the word that was probably meant; may be empty
    std::vector<std::string> notes = {};  // what to do, or the other place that matters
};

// What is wrong with a line, and with which of its bytes: a diagnostic that does not know its file.
struct Fault {
    std::uint32_t column = 1;
    std::uint32_t length = 0;
    std::string message;
    std::string expected;
    std::string suggestion = {};
};

// `line` is the place of the whole line.
Diagnostic error_at(Place line, Fault fault);

// Keeps the first `max_kept` of each severity and counts the rest: a file of garbage costs
// bounded memory, and warnings never crowd out an error.
class Diagnostics {
  public:
    static constexpr std::size_t max_kept = 200;

    void add(Diagnostic diagnostic);
    void error(Place place, std::string message, std::string note);
    void warn(Place place, std::string message, std::string note);
    void append(Diagnostics others);

    // Whether another of this severity is more than counted.
    bool keeps(Severity severity) const { return count(severity) < max_kept; }

    // In the order in which they were found: by line in each file, what is between lines last.
    const std::vector<Diagnostic>& all() const { return all_; }
    bool has_errors() const { return count(Severity::error) != 0; }
    // How many were added, kept or not.
    std::size_t count(Severity severity) const;
    std::size_t omitted() const;

  private:
    std::vector<Diagnostic> all_;
    std::array<std::size_t, 2> counts_{};
};

// What came of the input, and what is to be said about it. With errors among the diagnostics the
// value is what could be understood: enough to look for further errors, never to be run.
template <class T>
struct Checked {
    T value;
    Diagnostics diagnostics;
};

// `word` in quotation marks for a message: escaped, and cut where it is very long.
std::string in_quotes(std::string_view word);

}  // namespace holdfast::config
