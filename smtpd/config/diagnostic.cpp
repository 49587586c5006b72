#include "smtpd/config/diagnostic.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
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

void Diagnostics::append(Diagnostics others) {
    for (Diagnostic& diagnostic : others.all_) {
        --others.counts_[slot(diagnostic.severity)];
        add(std::move(diagnostic));
    }
    // What is left in their counters they had left out themselves.
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += others.counts_[i];
}

void Diagnostics::sort() {
    std::vector<std::string> files;
    const auto rank = [&](const std::string& file) {
        auto at = std::find(files.begin(), files.end(), file);
        if (at == files.end()) at = files.insert(at, file);
        return std::distance(files.begin(), at);
    };
    // Equal keys keep the order in which they came.
    std::multimap<std::tuple<std::ptrdiff_t, std::uint32_t, std::uint32_t>, Diagnostic> sorted;
    for (Diagnostic& diagnostic : all_) {
        const Place& place = diagnostic.place;
        sorted.emplace(std::tuple(rank(place.file), place.line, place.column),
                       std::move(diagnostic));
    }
    all_.clear();
    for (auto& [key, diagnostic] : sorted) all_.push_back(std::move(diagnostic));
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
