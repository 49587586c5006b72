#include "smtpd/config/render.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "smtpd/config/utf8.h"

namespace holdfast::config {

namespace {

constexpr std::string_view indent = "  ";
constexpr std::size_t max_columns = 110;  // of the line that is quoted
constexpr std::size_t lead_columns = 50;  // shown before the caret where the line is cut
constexpr std::string_view cut_mark = "...";

// One character as it may go to a terminal: always one column, so that the caret stands right.
std::string_view harmless(std::string_view character) {
    const auto byte = static_cast<unsigned char>(character.front());
    if (byte == '\t') return " ";
    const bool c1 = byte == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
    return byte < 0x20 || byte == 0x7f || c1 ? "?" : character;
}

// A line cut into columns. `begin` and `end` are the columns that the place covers.
struct Columns {
    std::vector<std::string_view> cells;
    std::size_t begin = 0;
    std::size_t end = 0;
};

Columns columns_of(const Place& place) {
    Columns result;
    const std::size_t first = place.column - 1;
    std::string_view rest = place.source;
    while (!rest.empty()) {
        const std::size_t at = place.source.size() - rest.size();
        if (at < first) result.begin = result.cells.size() + 1;
        if (at < first + place.length) result.end = result.cells.size() + 1;
        const std::size_t length = character_length(rest);
        result.cells.push_back(length == 0 ? "?" : harmless(rest.substr(0, length)));
        rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    // A place may lie behind the last character: something is missing there.
    if (first >= place.source.size())
        result.begin = result.cells.size() + first - place.source.size();
    return result;
}

std::string joined(const Columns& columns, std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += columns.cells[i];
    return text;
}

std::string underline(std::size_t begin, std::size_t end) {
    const std::size_t width = end > begin ? end - begin : 1;
    return std::string(begin, ' ') + "^" + std::string(width - 1, '~');
}

// The line, and the caret below it; of a very long line the part around the caret.
std::string quoted_source(const Place& place) {
    const Columns columns = columns_of(place);
    const std::size_t size = columns.cells.size();
    const bool fits = size <= max_columns;
    const std::size_t from =
        fits || columns.begin <= lead_columns ? 0 : columns.begin - lead_columns;
    const std::size_t to = fits ? size : std::min(size, from + max_columns);
    const std::string_view front = from == 0 ? "" : cut_mark;
    const std::size_t shift = front.size();

    std::string text(indent);
    text.append(front).append(joined(columns, from, to)).append(to == size ? "" : cut_mark);
    text.append("\n").append(indent);
    text += underline(columns.begin - from + shift, std::min(columns.end, to) - from + shift);
    return text + "\n";
}

std::string heading(const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    std::string text = place.text();
    if (place.column != 0) text += ":" + std::to_string(place.column);
    if (!text.empty()) text += ": ";
    text += diagnostic.severity == Severity::error ? "error: " : "warning: ";
    return text + diagnostic.message + "\n";
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
    std::string text = heading(diagnostic);
    const auto line = [&](const std::string& words) { text.append(indent).append(words) += "\n"; };
    if (diagnostic.place.column != 0) text += quoted_source(diagnostic.place);
    if (!diagnostic.expected.empty()) line("expected: " + diagnostic.expected);
    if (!diagnostic.suggestion.empty()) {
        line("did you mean " + in_quotes(diagnostic.suggestion) + "?");
    }
    for (const std::string& note : diagnostic.notes) line(note);
    return text;
}

std::string render(const Diagnostics& diagnostics) {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics.all()) text += render(diagnostic);
    if (diagnostics.omitted() != 0) {
        text += "and " + std::to_string(diagnostics.omitted()) + " more of the same kind\n";
    }
    return text;
}

}  // namespace holdfast::config
