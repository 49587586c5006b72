#include "smtpd/mda/mbox_append.h"

#include <algorithm>
#include <ctime>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/read.h"
#include "smtpd/base/write.h"
#include "smtpd/mda/mbox_search.h"
#include "smtpd/mda/outcome.h"

namespace holdfast::mda {

namespace {

Status write_content(int fd, const Content& content) {
    for (std::uint64_t done = 0; done < content.size();) {
        const auto bytes = content.read(done);
        if (!bytes) return bytes.error().pass();
        if (bytes->empty()) return plain_error("a temporary file was cut short");
        if (const auto written = write_all(fd, *bytes); !written) return written;
        done += bytes->size();
    }
    return {};
}

// A mailbox that was written to after it was last read holds new mail: what shells and
// notifiers go by. Where both happen in one tick of the file system's clock they see nothing.
void mark_unread(int fd) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const timespec times[2] = {{now.tv_sec - 1, now.tv_nsec}, {0, UTIME_NOW}};
    futimens(fd, times);
}

class MboxAppend {
  public:
    MboxAppend(int fd, int folder, DotLock& lock) : fd_(fd), folder_(folder), lock_(lock) {}

    std::vector<Outcome> run(std::span<const Parcel> batch) {
        const auto all_later = [&](const Error& why) {
            return unsure_ ? std::vector<Outcome>() : std::vector(batch.size(), retry_after(why));
        };
        if (const auto ready = prepare(batch); !ready) return all_later(ready.error());
        const std::uint64_t before = size_;
        std::vector<Outcome> outcomes;
        for (const Parcel& parcel : batch) {
            const auto done = present_.contains(&parcel) ? Status() : append(parcel);
            if (unsure_) return {};
            outcomes.push_back(done ? delivered("mbox") : retry_after(done.error()));
        }
        if (size_ > before) mark_unread(fd_);
        if (const auto synced = sync(before); !synced) {
            // The kernel may have dropped what was written: none of it counts, and none may stay.
            const auto undone = cut(before);
            return all_later(undone ? synced.error() : undone.error());
        }
        return outcomes;
    }

  private:
    Status prepare(std::span<const Parcel> batch) {
        struct stat facts{};
        if (fstat(fd_, &facts) != 0) return errno_error("look at mailbox");
        inode_ = facts.st_ino;
        size_ = static_cast<std::uint64_t>(facts.st_size);
        if (const auto done = undo_dead_append(); !done) return done;
        return find_earlier(batch);
    }

    // The dead one had not reported it, as reports follow the release of the lock, and it comes
    // again. A file that reached its planned end is left to the search: it may have been read.
    Status undo_dead_append() {
        const auto& dead = lock_.inherited();
        if (!dead || dead->inode != inode_ || size_ <= dead->begin || size_ >= dead->end) return {};
        const auto start = read_at(fd_, dead->begin, 7);
        if (!start) return start.error().in("look at mailbox");
        std::string_view line = *start;
        line.remove_prefix(std::min(line.find_first_not_of('\n'), line.size()));
        const std::string_view from = std::string_view("From ").substr(0, line.size());
        if (!line.starts_with(from)) return {};  // someone has rewritten the mailbox since
        return cut(dead->begin);
    }

    Status find_earlier(std::span<const Parcel> batch) {
        auto earlier = find_copies(fd_, size_, batch);
        if (!earlier) return earlier.error().pass();
        present_ = std::move(earlier->whole);
        return earlier->torn_at ? cut(*earlier->torn_at) : Status();
    }

    Status append(const Parcel& parcel) {
        const auto before = separator();
        if (!before) return before.error().pass();
        const AppendRecord plan{inode_, size_, size_ + before->size() + parcel.content.size()};
        if (const auto done = lock_.record(plan); !done) return done;
        auto written = write_all(fd_, *before);
        if (written) written = write_content(fd_, parcel.content);
        if (!written) {
            const auto undone = cut(size_);
            return undone ? written.error().in("append to mailbox") : undone;
        }
        size_ = plan.end;
        return {};
    }

    // What must stand in front of a "From " line, and doesn't where another program was cut short.
    Result<std::string> separator() const {
        if (size_ == 0) return std::string();
        const std::uint64_t count = std::min<std::uint64_t>(size_, 2);
        const auto tail = read_at(fd_, size_ - count, count);
        if (!tail) return tail.error().in("look at mailbox");
        if (!tail->ends_with('\n')) return std::string("\n\n");
        return std::string(*tail == "\n\n" ? "" : "\n");
    }

    // A mailbox that was empty may be new: its name must reach the disk too.
    Status sync(std::uint64_t before) const {
        if (fsync(fd_) != 0) return errno_error("write mailbox to disk");
        if (before == 0 && fsync(folder_) != 0) return errno_error("write mail folder to disk");
        return {};
    }

    Status cut(std::uint64_t size) {
        if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
            unsure_ = true;
            return errno_error("cut off an incomplete message in the mailbox");
        }
        size_ = size;
        return {};
    }

    int fd_;
    int folder_;
    DotLock& lock_;
    std::uint64_t inode_ = 0;
    std::uint64_t size_ = 0;
    std::set<const Parcel*> present_;  // delivered by an earlier attempt
    bool unsure_ = false;              // what is in the file could not be put right
};

}  // namespace

std::vector<Outcome> append_to_mbox(int fd, int folder, DotLock& lock,
                                    std::span<const Parcel> batch) {
    return MboxAppend(fd, folder, lock).run(batch);
}

}  // namespace holdfast::mda
