// drop/: what sendmail left while no daemon answered. Anyone can put anything there, so nothing in
// it is believed: not its name, its kind, its size, nor that it stays as it is.
//
// All functions block. Any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "queue/fs.h"
#include "queue/store.h"

namespace holdfast::queue {

struct DropFile {
    uid_t uid = 0;             // of the owner: who submits
    std::uint64_t length = 0;  // when it was opened
    UniqueFd file;
};

enum class DropFault : std::uint8_t {
    gone,    // taken back by its owner
    unfit,   // never a submission: above the limit, or no plain file that its owner created here
    failed,  // the disk, or descriptors: try later
};

struct DropFailure {
    DropFault fault;
    Error error;
};

class Drop {
  public:
    // Opens SPOOL/drop, making it where that is possible; its mode must end up right. `gid` is the
    // group that marks files which were created in it.
    static Result<Drop> open(Store& store, gid_t gid);

    // Complete submissions, and names that are none; a batch at a time (Scan). Files that sendmail
    // is still writing (.tmp) are in neither list.
    Result<Scan> scan();

    // O_NOFOLLOW, O_NONBLOCK, then: a regular file with one link, our group, at most `limit` bytes.
    std::expected<DropFile, DropFailure> take(const std::string& name, std::uint64_t limit);

    // After its submission was committed, or refused for good. No error where it is gone.
    Status remove(const std::string& name);

    // Into quarantine/, whatever it is; returns its name there.
    Result<std::string> quarantine(const std::string& name);

    // Removes .tmp files that are older than a day. Returns how many.
    Result<unsigned> reap(WallTime now);

  private:
    bool is_unfinished(const std::string& name, WallTime now);

    Drop(Store& store, UniqueFd folder, gid_t gid)
        : store_(&store), folder_(std::move(folder)), gid_(gid) {}

    Store* store_;
    UniqueFd folder_;
    gid_t gid_;
};

}  // namespace holdfast::queue
