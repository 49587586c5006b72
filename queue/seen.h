// The submissions that were finished lately, so that a repeat of one is recognised when its file
// is gone from queue/. A line is appended and synced before the message is unlinked. Only local
// submissions have a place here: nobody else chooses ids.
//
// All functions may block on the disk and may be called from any thread. Two generations of qmgr
// may share the folder: each reads what the other has appended.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "queue/fs.h"
#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/message_id.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::queue {

// What makes a local submission the same as another.
struct Submission {
    std::uint32_t uid = 0;
    MessageId id;
    static constexpr auto members = std::tuple(&Submission::uid, &Submission::id);
    auto operator<=>(const Submission&) const = default;
};

// Files older than this are trimmed. An id's file is that of the day when it was finished, so
// every id is known for at least so long after its admission.
inline constexpr auto seen_window = std::chrono::days(7);

// An empty line (a torn append must not swallow ours), then uid, id and CRC. The parser is total
// and takes the line without its line feed.
std::string encode_seen_line(const Submission& submission);
std::optional<Submission> parse_seen_line(std::string_view text);

class Seen {
  public:
    // Reads the files of the window. `folder` is borrowed and must outlive this.
    static Result<std::unique_ptr<Seen>> open(FileSystem& fs, int folder);

    // Appends; not on disk before a sync() that began later.
    Status append(std::span<const Submission> submissions, WallTime now);

    // Everything that was appended before the call. Once this has failed it always fails (EIO): the
    // kernel forgets what it could not write, and would say yes to the next call.
    Status sync();

    // `now` tells which file another generation may have begun.
    Result<bool> contains(const Submission& submission, WallTime now);

    // Removes files older than the window, but never the newest ones, so that a clock that jumps
    // ahead by years forgets nothing. Not while a file in drop/ may repeat an old submission.
    // Returns how many.
    Result<unsigned> trim(WallTime now);

  private:
    // One day. `taken` bytes of its file have been read into `set`: a tree, as local users choose
    // the ids and could crowd a hash table.
    struct Day {
        std::string name;
        UniqueFd reader;
        UniqueFd writer;  // once this process has appended
        std::uint64_t taken = 0;
        bool unsynced = false;  // there is more than the disk has
        std::set<Submission> set;
    };
    using DayPointer = std::shared_ptr<Day>;  // a sync may outlive a trim

    Seen(FileSystem& fs, int folder) : fs_(fs), folder_(folder) {}
    // With mutex_ held:
    Status find_days();
    Result<DayPointer> find_day(const std::string& name);
    Result<DayPointer> writable_day(const std::string& name);
    Status refresh(Day& day);

    struct Unsynced {
        std::vector<DayPointer> days;
        bool folder = false;
    };
    Unsynced take_unsynced();
    Status sync_all(const Unsynced& unsynced);

    FileSystem& fs_;
    int folder_;
    std::mutex sync_mutex_;  // taken first: a sync that finds nothing to do waits for the last one
    bool failed_ = false;    // guarded by sync_mutex_
    std::mutex mutex_;
    std::vector<DayPointer> days_;  // sorted by name
    bool folder_unsynced_ = false;
};

}  // namespace holdfast::queue
