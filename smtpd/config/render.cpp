#include "smtpd/config/render.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"
#include "smtpd/base/utf8.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view indent = "  ";
constexpr std::size_t max_columns = 110;  // of the line that is quoted
constexpr std::size_t lead_columns = 50;  // shown before the caret where the line is cut
constexpr std::string_view cut_mark = "...";

// One character as it may go to a terminal: always one column, so that the caret stands right.
std::string_view harmless(std::string_view character) {
    if (character == "\t") return " ";
    return ascii::is_control(character.front()) || is_mischievous(character) ? "?" : character;
}

std::vector<std::string_view> columns(std::string_view text) {
    std::vector<std::string_view> cells;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        cells.push_back(length == 0 ? "?" : harmless(text.substr(0, length)));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return cells;
}

// The line, and the caret below it; of a very long line the part around the caret.
std::string quoted_source(const Place& place) {
    const std::string_view source = place.source;
    const auto cells = columns(source);
    // A place may lie behind the last character: something is missing there.
    const std::size_t first = std::min<std::size_t>(place.column - 1, source.size());
    const std::size_t begin = columns(source.substr(0, first)).size() + place.column - 1 - first;
    const std::size_t width = columns(source.substr(first, place.length)).size();
    const bool whole = cells.size() <= max_columns || begin <= lead_columns;
    const std::size_t from = whole ? 0 : begin - lead_columns;
    const std::size_t to = std::min(cells.size(), from + max_columns);
    const std::size_t end = std::max(begin + 1, std::min(begin + width, to));
    const std::string_view front = from == 0 ? "" : cut_mark;

    std::string text = std::string(indent).append(front);
    for (std::size_t i = from; i < to; ++i) text += cells[i];
    text.append(to == cells.size() ? "" : cut_mark).append("\n").append(indent);
    text.append(begin - from + front.size(), ' ').append("^");
    return text.append(end - begin - 1, '~') + "\n";
}

std::string_view severity_name(Severity severity) {
    return severity == Severity::error ? "error" : "warning";
}

std::string heading(const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    std::string text = place.text();
    if (place.column != 0) text += ":" + std::to_string(place.column);
    if (!text.empty()) text += ": ";
    return text.append(severity_name(diagnostic.severity)) + ": " + diagnostic.message + "\n";
}

std::string json_of(const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    JsonObject object;
    object.text("severity", severity_name(diagnostic.severity)).text("file", place.file);
    object.number("line", place.line).number("column", place.column).number("length", place.length);
    object.text("message", diagnostic.message).text("expected", diagnostic.expected);
    object.text("suggestion", diagnostic.suggestion);
    return object.raw("notes", json_strings(diagnostic.notes)).json();
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

std::string to_json(const Diagnostics& diagnostics) {
    std::vector<std::string> all;
    for (const Diagnostic& diagnostic : diagnostics.all()) all.push_back(json_of(diagnostic));
    JsonObject object;
    object.flag("ok", !diagnostics.has_errors()).raw("diagnostics", json_array(all));
    return object.json() + "\n";
}

}  // namespace holdfast::config
