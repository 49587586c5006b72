#include "smtpd/config/alias_items.h"

#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

Fault fault_at(std::size_t at, std::size_t length, std::string message, std::string expected) {
    return {static_cast<std::uint32_t>(at + 1), static_cast<std::uint32_t>(length),
            std::move(message), std::move(expected)};
}

bool is_enclosed(std::string_view raw) {
    if (raw.size() < 2 || raw.front() != '"') return false;
    for (std::size_t i = 1; i < raw.size(); ++i) {
        if (raw[i] == '\\')
            ++i;
        else if (raw[i] == '"')
            return i + 1 == raw.size();
    }
    return false;
}

std::string without_quotes(std::string_view raw) {
    if (!is_enclosed(raw)) return std::string(raw);
    std::string text;
    for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
        // `"\root"` keeps its backslash: only quotes and backslashes are protected by one.
        if (raw[i] == '\\' && (raw[i + 1] == '"' || raw[i + 1] == '\\')) ++i;
        text.push_back(raw[i]);
    }
    return text;
}

}  // namespace

void AliasItems::skip_spaces() {
    while (!at_end() && ascii::is_space(line_[at_])) ++at_;
}

AliasItem AliasItems::item(std::size_t begin) const {
    const std::string_view raw = ascii::trimmed(line_.substr(begin, at_ - begin));
    return {without_quotes(raw), std::string(raw), static_cast<std::uint32_t>(begin + 1),
            static_cast<std::uint32_t>(raw.size())};
}

// From an opening quotation mark to behind the closing one.
std::optional<Fault> AliasItems::skip_quoted() {
    const std::size_t begin = at_++;
    while (!at_end() && line_[at_] != '"') at_ += line_[at_] == '\\' ? 2U : 1U;
    if (at_end()) {
        at_ = line_.size();
        return fault_at(begin, line_.size() - begin, "quotation mark is never closed",
                        "a second quotation mark on the same line");
    }
    ++at_;
    return std::nullopt;
}

std::expected<AliasItem, Fault> AliasItems::take_until(char stop) {
    const std::size_t begin = at_;
    bool after_space = true;
    while (!at_end() && line_[at_] != stop) {
        const char c = line_[at_];
        if (c == '#' && after_space) break;
        if (c != '\t' && ascii::is_control(c)) {
            return std::unexpected(fault_at(at_, 1, "control byte", "printable text"));
        }
        after_space = ascii::is_space(c);
        if (c != '"') {
            ++at_;
        } else if (auto fault = skip_quoted()) {
            return std::unexpected(std::move(*fault));
        }
    }
    return item(begin);
}

std::expected<AliasItem, Fault> AliasItems::take_name() {
    auto name = take_until(':');
    if (!name) return name;
    if (at_end() || line_[at_] != ':') {
        return std::unexpected(fault_at(name->column - 1 + name->length, 0,
                                        "no colon after the name of an alias",
                                        "NAME: TARGET, ..."));
    }
    ++at_;
    return name;
}

std::expected<std::optional<AliasItem>, Fault> AliasItems::take_target() {
    skip_spaces();
    while (!at_end() && line_[at_] == ',') {
        ++at_;
        skip_spaces();
    }
    if (at_end() || line_[at_] == '#') return std::nullopt;
    auto target = take_until(',');
    if (!target) return std::unexpected(std::move(target.error()));
    return std::move(*target);
}

}  // namespace holdfast::config
