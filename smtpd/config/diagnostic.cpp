#include "smtpd/config/diagnostic.h"

#include <utility>

#include "smtpd/base/quote.h"

namespace holdfast::config {

namespace {

constexpr std::size_t max_shown_word = 60;

std::size_t slot(Severity severity) {
    return static_cast<std::size_t>(severity);
}

}  // namespace

std::string Place::text() const {
    return line == 0 ? file : file + ":" + std::to_string(line);
}

Diagnostic error_at(Place line, Fault fault) {
    line.column = fault.column;
    line.length = fault.length;
    return {.place = std::move(line),
            .message = std::move(fault.message),
            .expected = std::move(fault.expected),
            .suggestion = std::move(fault.suggestion)};
}

void Diagnostics::add(Diagnostic diagnostic) {
    if (counts_[slot(diagnostic.severity)]++ < max_kept) all_.push_back(std::move(diagnostic));
}

void Diagnostics::error(Place place, std::string message, std::string note) {
    add({Severity::error, std::move(place), std::move(message), {}, {}, {std::move(note)}});
}

void Diagnostics::warn(Place place, std::string message, std::string note) {
    add({Severity::warning, std::move(place), std::move(message), {}, {}, {std::move(note)}});
}

void Diagnostics::append(Diagnostics others) {
    for (Diagnostic& diagnostic : others.all_) {
        --others.counts_[slot(diagnostic.severity)];
        add(std::move(diagnostic));
    }
    // What is left in their counters they had left out themselves.
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += others.counts_[i];
}

std::size_t Diagnostics::count(Severity severity) const {
    return counts_[slot(severity)];
}

std::size_t Diagnostics::omitted() const {
    return counts_[slot(Severity::error)] + counts_[slot(Severity::warning)] - all_.size();
}

std::string in_quotes(std::string_view word) {
    const bool cut = word.size() > max_shown_word;
    return '"' + escaped(word.substr(0, max_shown_word)) + (cut ? "...\"" : "\"");
}

}  // namespace holdfast::config
