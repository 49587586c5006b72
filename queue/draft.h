// A message on its way into the queue. Small ones stay in memory until they are published, and
// then cost five system calls: openat, writev, fsync, renameat2, close. Larger ones go to a file in
// tmp/ as they come.
//
// One thread at a time. The instant of acceptance is not here: publish() has put the file, whole
// and synced, into queue/; the mail is accepted once a sync of the folder queue/ that began after
// publish() has succeeded (Store::sync_queue, or DiskPool::commit, which does both).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queue/fs.h"
#include "queue/record.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::queue {

class Store;

enum class Published : std::uint8_t {
    fresh,     // now in queue/
    repeated,  // the same submission (same source and uid) is queued or was finished lately
    taken,     // the id belongs to somebody else's message
};

struct Publication {
    Published kind = Published::fresh;
    LogCursor log;   // meaningful where fresh
    BodyPlace body;  // likewise
};

class Draft {
  public:
    static constexpr std::size_t memory_limit = 64 * 1024;

    Draft(Draft&& other) noexcept = default;  // which has no file then
    Draft& operator=(Draft&&) = delete;
    // Abandons what was not published: unlinks its file. Blocks where there is one (in_memory()).
    ~Draft();

    // Blocks unless stays_in_memory(bytes.size()). After an error the draft is only fit to be
    // destroyed; code() is ENOSPC or EDQUOT where the disk is full, EFBIG past max_body.
    Status append(std::string_view bytes);

    // So many more bytes would not touch the disk.
    bool stays_in_memory(std::size_t more) const;
    bool in_memory() const { return !file_; }
    // Those of the body that are in no file: all of them where it is in_memory().
    const std::string& bytes() const { return bytes_; }
    std::uint64_t length() const { return body_.length; }

    // Blocks: writes or patches, syncs, renames. A failed fsync is never repeated: the file is
    // unlinked and the error handed up. Called once. `now` is for Seen only.
    Result<Publication> publish(WallTime now);

  private:
    friend class Store;
    Draft(Store& store, const Envelope& envelope, std::string text);
    // The end mark, and the log's first lines. Sets seed_.
    Result<std::string> end_of(const EncodedFirstLine& line);

    Status create_file();
    Status spill();
    Status write_whole();
    Status write_rest();
    Result<Publication> try_publish(WallTime now);
    Result<Publication> move_into_queue(WallTime now);
    Result<Publication> explain_collision();
    Result<Published> recheck_seen(WallTime now);
    void abandon();

    Store* store_;
    MessageId id_;
    Source source_;
    std::uint32_t uid_;
    std::string envelope_;  // its text
    std::vector<LogEntry> verdicts_;
    std::string bytes_;  // body bytes that are not in the file
    BodyPlace body_;
    std::uint32_t seed_ = 0;  // LogCursor::seed, once the first line is written
    std::string name_;        // in tmp/, once there is a file
    UniqueFd file_;
};

}  // namespace holdfast::queue
