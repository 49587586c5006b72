#include "queue/state.h"

#include <algorithm>

namespace holdfast::queue {

namespace {

TargetState& find_or_add(RecipientState& recipient, const std::string& name) {
    auto found = std::ranges::lower_bound(recipient.targets, name, {}, &TargetState::target);
    if (found == recipient.targets.end() || found->target != name) {
        found = recipient.targets.insert(found, TargetState{});
        found->target = name;
    }
    return *found;
}

Progress progress_after(Verdict verdict) {
    switch (verdict) {
        case Verdict::delivered:
            return Progress::delivered;
        case Verdict::refused:
            return Progress::refused;
        case Verdict::retry:
            break;
    }
    return Progress::pending;
}

void fold(RecipientState& recipient, const Attempted& event, std::int64_t time) {
    TargetState& target = find_or_add(recipient, event.target);
    // What is settled stays settled: a verdict told twice, or late, changes nothing.
    if (target.progress != Progress::pending) return;
    target.progress = progress_after(event.outcome.verdict);
    ++target.attempts;
    target.last_time = time;
    target.last = event.outcome;
}

void fold(RecipientState& recipient, const Expanded& event, std::int64_t /*time*/) {
    if (recipient.expanded) return;
    recipient.expanded = true;
    recipient.expansion = event.targets;
}

void fold(RecipientState& recipient, const Noticed& event, std::int64_t /*time*/) {
    (event.notice == Notice::delay ? recipient.delay_noticed : recipient.failure_noticed) = true;
}

std::vector<std::uint32_t> recipients_of(const Event& event) {
    if (const auto* noticed = std::get_if<Noticed>(&event)) return noticed->recipients;
    if (const auto* expanded = std::get_if<Expanded>(&event)) return {expanded->recipient};
    return {std::get<Attempted>(event).recipient};
}

}  // namespace

TargetState RecipientState::target(std::string_view name) const {
    const auto found = std::ranges::lower_bound(targets, name, {}, &TargetState::target);
    if (found != targets.end() && found->target == name) return *found;
    TargetState fresh;
    fresh.target = name;
    return fresh;
}

bool RecipientState::settled() const {
    const auto is_settled = [this](const std::string& name) {
        return target(name).progress != Progress::pending;
    };
    return expanded ? std::ranges::all_of(expansion, is_settled) : is_settled({});
}

bool apply(MessageState& state, const LogEntry& entry) {
    const auto recipients = recipients_of(entry.event);
    const auto is_there = [&](std::uint32_t at) { return at < state.recipients.size(); };
    if (!std::ranges::all_of(recipients, is_there)) return false;
    for (const std::uint32_t at : recipients) {
        RecipientState& recipient = state.recipients[at];
        std::visit([&](const auto& event) { fold(recipient, event, entry.time); }, entry.event);
    }
    return true;
}

LogReader::LogReader(std::size_t recipients, std::uint32_t seed) {
    state_.recipients.resize(recipients);
    cursor_.seed = seed;
}

void LogReader::add(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        if (line_.size() + piece.size() > max_log_line) overlong_ = true;
        if (!overlong_) line_.append(piece);
        if (end == std::string_view::npos) return;
        take_line(line_);
        line_.clear();
        overlong_ = false;
        bytes.remove_prefix(end + 1);
    }
}

void LogReader::take_line(std::string_view text) {
    if (text.empty() && !overlong_) return;
    auto line = overlong_ ? std::unexpected(Flaw::damaged) : parse_log_line(text, cursor_.seed);
    if (!line) {
        if (line.error() == Flaw::newer) newer_ = true;
        ++state_.ignored_lines;
        return;
    }
    if (line->sequence == cursor_.next) ++cursor_.next;
    claimed_ = std::max(claimed_, line->synced);
    if (!apply(state_, line->entry)) impossible_ = true;
}

std::expected<LogReader::Summary, Flaw> LogReader::finish() && {
    take_line(line_);
    // A crash only takes lines that no later one knows to be on disk.
    if (claimed_ >= cursor_.next || impossible_) return std::unexpected(Flaw::damaged);
    if (newer_) return std::unexpected(Flaw::newer);
    cursor_.synced = claimed_;
    return Summary{std::move(state_), cursor_};
}

}  // namespace holdfast::queue
