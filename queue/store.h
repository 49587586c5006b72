// The durable store: message files, their logs, and what recovers them. Knows nothing of SMTP,
// sockets or schedules. Trusts its own user; nobody else writes below SPOOL but into drop/.
//
// Every function blocks on the disk unless its comment says otherwise: they belong on a DiskPool.
// Any thread may call any of them, but calls about one message come one after the other.
//
// A message's file is tmp/<id>.* (not accepted, forgotten by a restart), then queue/<id> (accepted
// from the first sync of queue/ on; its log says what is done), then gone, or quarantine/<id>.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "queue/draft.h"
#include "queue/envelope.h"
#include "queue/fs.h"
#include "queue/layout.h"
#include "queue/record.h"
#include "queue/seen.h"
#include "queue/slice.h"
#include "queue/state.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::queue {

struct Message {
    Envelope envelope;
    BodyPlace body;
    MessageState state;
    LogCursor log;
};

enum class LoadFault : std::uint8_t {
    gone,      // no such file
    finished,  // recorded in seen/; its removal was interrupted: DiskPool::remove once more
    damaged,   // has been moved into quarantine/ and reported: never deliver it
    newer,     // written by a later version: report it, leave it where it is
    failed,    // the disk, or descriptors: nothing is known about the message, try later
};

struct LoadFailure {
    LoadFault fault;
    Error error;  // says where the file is now
};

enum class Durability : std::uint8_t {
    lazy,    // a crash of the machine may forget it: retries, starts
    synced,  // on disk when the call returns: a success that leaves other recipients pending
};

// Ids of a folder, a batch at a time. Not thread-safe. A message that comes or goes during the walk
// may be met or not; every other is met once.
class Scan {
  public:
    Scan(FileSystem& fs, UniqueFd fd, Folder folder)
        : fs_(&fs), fd_(std::move(fd)), folder_(folder) {}

    struct Batch {
        std::vector<MessageId> ids;
        std::vector<std::string> strangers;  // names that we never write
        bool last = false;                   // the walk is over (and this batch is empty)
    };
    Result<Batch> next();

  private:
    FileSystem* fs_;
    UniqueFd fd_;
    Folder folder_;
};

// Opens a folder of the spool, made where it is missing, its mode corrected.
Result<UniqueFd> open_own_folder(FileSystem& fs, int spool, Folder which);

class Store {
  public:
    // Makes the folders that are missing (but not drop/: queue/drop.h), corrects their modes, syncs
    // them, reads seen/. `fs` must outlive the store. Several generations of qmgr may have the same
    // spool open; each shows by its lock on SPOOL/committers that it may commit.
    static Result<std::unique_ptr<Store>> open(FileSystem& fs, UniqueFd spool);

    // Does not block, touches no disk. EMSGSIZE where the envelope's text is above max_envelope,
    // EINVAL where it has no recipient. `verdicts` are what is known of its recipients already: the
    // first lines of the log, there from the first moment on.
    Result<Draft> draft(const Envelope& envelope, std::vector<LogEntry> verdicts = {});

    // Reads first line, envelope and log and checks their sums and that the file is the one that
    // its name says; the body's sum is checked by open_body(). For Source::local, seen/ is asked.
    std::expected<Message, LoadFailure> load(const MessageId& id, WallTime now);

    // The body, after all of it was read once and its sum was right; small ones stay in memory.
    // Never hands out the first byte of a damaged body: that goes into quarantine/.
    std::expected<Slice, LoadFailure> open_body(const MessageId& id, const BodyPlace& place);

    // The whole file as it stands, for a person.
    Result<Slice> open_text(const MessageId& id);

    // Appends to the log; returns the cursor to use next. After an error the old cursor stays right
    // and the same entries may be recorded again: lines are facts, told twice they stay the same.
    // After an error of a sync the message's fate is only known to this process.
    Result<LogCursor> record(const MessageId& id, const LogCursor& at,
                             std::span<const LogEntry> entries, Durability durability);

    // Unlinks. No error where it is gone already. Not on disk before a sync_queue() that began
    // later. A local submission's line is in seen/ and synced before this is called.
    Status remove(const MessageId& id);

    // fsync of queue/: what was published or removed before the call is on disk. After a failure it
    // always fails (EIO): the kernel would say yes to a second call without having written
    // anything.
    Status sync_queue();

    // Moves queue/<id> into quarantine/ and returns its name there; syncs both folders.
    Result<std::string> quarantine(const MessageId& id);
    // The same for a name in drop/, whose descriptor is given: for queue/drop.h.
    Result<std::string> quarantine_from(Folder from, int folder, const std::string& name);

    Result<Scan> scan();
    // How many files are in quarantine/.
    Result<std::uint64_t> quarantined();

    // Removes files in tmp/ that are older than `draft_age` and not locked by a living writer.
    // Returns how many.
    static constexpr auto draft_age = std::chrono::hours(1);
    Result<unsigned> reap(WallTime now);

    // What is free. Stop accepting before nothing is left: logs, seen/ and bounces need room too.
    Result<Space> space();

    // SPOOL/lock, for the one scheduler: nothing where another process has it. The lock lasts as
    // long as the descriptor, which no other process may ever get.
    Result<std::optional<UniqueFd>> try_lock();
    // True where no other process that may commit has the spool open at this moment; what one
    // committed is in queue/ then. For the holder of SPOOL/lock: two who ask at once may both hear
    // no.
    Result<bool> alone();

    Seen& seen() { return *seen_; }
    FileSystem& fs() { return fs_; }
    // Borrowed; does not block.
    int folder(Folder folder) const { return folders_.at(static_cast<std::size_t>(folder)).get(); }
    int spool() const { return spool_.get(); }

  private:
    friend class Draft;

    Store(FileSystem& fs, UniqueFd spool);
    Status join_committers();
    Status open_folders();
    std::string new_draft_name(const MessageId& id);
    // Of a message that may be at work the envelope alone: nobody reads its log but who writes it.
    enum class Part : std::uint8_t { envelope, whole };
    std::expected<Message, LoadFailure> read_message(const MessageId& id, Part part);
    LoadFailure explained(const MessageId& id, const LoadFailure& failure);
    LoadFailure damaged(const MessageId& id, std::string_view what);
    bool is_abandoned(const std::string& name, WallTime now);

    FileSystem& fs_;
    UniqueFd spool_;
    UniqueFd committers_;              // locked
    std::array<UniqueFd, 4> folders_;  // by Folder, without drop/
    std::unique_ptr<Seen> seen_;
    std::uint64_t writer_;
    std::atomic<std::uint64_t> drafts_ = 0;
    std::mutex sync_mutex_;  // the kernel tells a failed sync to one caller only
    bool queue_failed_ = false;
};

}  // namespace holdfast::queue
