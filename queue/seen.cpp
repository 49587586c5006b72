#include "queue/seen.h"

#include <algorithm>

#include "queue/layout.h"
#include "queue/words.h"

namespace holdfast::queue {

namespace {

constexpr std::size_t read_size = 64 * 1024;  // far more than a line

// Files that are kept whatever the clock says: one for each day of the window, and today's.
constexpr std::size_t kept_files = 8;

// Adds the lines of `bytes`; returns how many bytes that took. What follows the last line feed may
// be a line that another process is writing.
std::size_t take_lines(std::string_view bytes, std::set<Submission>& into) {
    std::size_t at = 0;
    for (;;) {
        const std::size_t end = bytes.find('\n', at);
        if (end == std::string_view::npos) return at;
        const auto submission = parse_seen_line(bytes.substr(at, end - at));
        if (submission) into.insert(*submission);
        at = end + 1;
    }
}

}  // namespace

std::string encode_seen_line(const Submission& submission) {
    std::string line = word_of(submission.uid) + ' ' + word_of(submission.id);
    append_crc(line, 0);
    return '\n' + line + '\n';
}

std::optional<Submission> parse_seen_line(std::string_view text) {
    const auto summed = without_crc(text, 0);
    if (!summed) return std::nullopt;
    Words words(*summed);
    const auto submission = words.value<Submission>();
    return words.more() ? std::nullopt : submission;
}

Result<std::unique_ptr<Seen>> Seen::open(FileSystem& fs, int folder) {
    std::unique_ptr<Seen> seen(new Seen(fs, folder));
    if (const auto found = seen->find_days(); !found) return found.error().in("open seen/");
    return seen;
}

Status Seen::find_days() {
    return for_each_name(fs_, folder_, [this](const std::string& name) -> Status {
        if (!is_seen_name(name)) return {};
        const auto found = find_day(name);
        return found ? Status() : found.error().pass();
    });
}

// The day, read if it is new to us and there; nullptr where nobody has begun it.
Result<Seen::DayPointer> Seen::find_day(const std::string& name) {
    const auto by_name = [](const DayPointer& day) -> const std::string& { return day->name; };
    const auto place = std::ranges::lower_bound(days_, name, {}, by_name);
    if (place != days_.end() && (*place)->name == name) return *place;
    auto reader = fs_.open(folder_, name, Open::read);
    if (!reader && reader.error().code() == ENOENT) return nullptr;
    if (!reader) return reader.error().pass();
    auto day = std::make_shared<Day>();
    day->name = name;
    day->reader = std::move(*reader);
    if (const auto read = refresh(*day); !read) return read.error().pass();
    days_.insert(place, day);
    return day;
}

Result<Seen::DayPointer> Seen::writable_day(const std::string& name) {
    auto known = find_day(name);
    if (!known || (*known && (*known)->writer)) return known;
    auto writer = fs_.open(folder_, name, Open::append_make);
    if (!writer) return writer.error().pass();
    // The other generation may have made the file and not yet synced its name.
    folder_unsynced_ = true;
    auto day = find_day(name);
    if (!day) return day;
    if (!*day) return std::unexpected(Error(ENOENT, "open", name));
    (*day)->writer = std::move(*writer);
    return day;
}

Status Seen::append(std::span<const Submission> submissions, WallTime now) {
    std::string lines;
    for (const Submission& submission : submissions) lines += encode_seen_line(submission);
    const std::lock_guard lock(mutex_);
    const auto day = writable_day(seen_name(now));
    if (!day) return day.error().in("append to seen/");
    (*day)->unsynced = true;
    if (const auto written = fs_.write((*day)->writer.get(), {lines}); !written) {
        return written.error().in("append to seen/" + (*day)->name);
    }
    (*day)->set.insert(submissions.begin(), submissions.end());
    return {};
}

Status Seen::sync() {
    const std::lock_guard lock(sync_mutex_);
    if (failed_) return std::unexpected(Error(EIO, "sync seen/: an earlier sync has failed"));
    const auto synced = sync_all(take_unsynced());
    if (!synced) failed_ = true;
    return synced;
}

Seen::Unsynced Seen::take_unsynced() {
    const std::lock_guard lock(mutex_);
    Unsynced unsynced{{}, std::exchange(folder_unsynced_, false)};
    for (const DayPointer& day : days_) {
        if (std::exchange(day->unsynced, false)) unsynced.days.push_back(day);
    }
    return unsynced;
}

Status Seen::sync_all(const Unsynced& unsynced) {
    for (const DayPointer& day : unsynced.days) {
        const auto synced = fs_.sync_data(day->writer.get());
        if (!synced) return synced.error().in("sync seen/" + day->name);
    }
    if (!unsynced.folder) return {};
    const auto synced = fs_.sync(folder_);
    return synced ? synced : synced.error().in("sync seen/");
}

Status Seen::refresh(Day& day) {
    std::string buffer(read_size, '\0');
    for (;;) {
        const auto got = fs_.read_at(day.reader.get(), buffer, day.taken);
        if (!got) return got.error().in("read seen/" + day.name);
        const std::size_t taken = take_lines(std::string_view(buffer).substr(0, *got), day.set);
        const bool more = *got == buffer.size();
        // So many bytes without a line are nothing that we wrote.
        day.taken += taken == 0 && more ? *got : taken;
        if (!more) return {};
    }
}

Result<bool> Seen::contains(const Submission& submission, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (const auto today = find_day(seen_name(now)); !today) return today.error().pass();
    // Another generation appends to today's file, or did so before midnight.
    const std::string growing = seen_name(now - std::chrono::days(1));
    for (const DayPointer& day : days_) {
        if (day->name < growing) continue;
        if (const auto read = refresh(*day); !read) return read.error().pass();
    }
    return std::ranges::any_of(
        days_, [&](const DayPointer& day) { return day->set.contains(submission); });
}

Result<unsigned> Seen::trim(WallTime now) {
    const std::lock_guard lock(mutex_);
    if (const auto found = find_days(); !found) return found.error().in("trim seen/");
    const std::string oldest = seen_name(now - seen_window);
    unsigned removed = 0;
    while (days_.size() > kept_files && days_.front()->name < oldest) {
        const auto gone = fs_.remove(folder_, days_.front()->name);
        if (!gone && gone.error().code() != ENOENT) return gone.error().in("trim seen/");
        days_.erase(days_.begin());
        ++removed;
    }
    return removed;
}

}  // namespace holdfast::queue
