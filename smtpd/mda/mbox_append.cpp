#include "smtpd/mda/mbox_append.h"

#include <algorithm>
#include <ctime>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "smtpd/mda/mbox_search.h"
#include "smtpd/mda/outcome.h"
#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

iovec vector_of(std::string_view bytes) {
    return {const_cast<char*>(bytes.data()), bytes.size()};
}

Status write_vectors(int fd, std::vector<iovec>& vectors) {
    std::span<iovec> rest = vectors;
    while (!rest.empty()) {
        const ssize_t written = ::writev(fd, rest.data(), static_cast<int>(rest.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno_error("append to mailbox");
        auto left = static_cast<std::size_t>(written);
        while (!rest.empty() && left >= rest.front().iov_len) {
            left -= rest.front().iov_len;
            rest = rest.subspan(1);
        }
        if (rest.empty()) break;
        rest.front().iov_base = static_cast<char*>(rest.front().iov_base) + left;
        rest.front().iov_len -= left;
    }
    vectors.clear();
    return {};
}

Status write_from_file(int fd, const Content& content) {
    std::string buffer;
    for (std::uint64_t done = 0; done < content.size();) {
        const auto bytes = content.read(done, buffer);
        if (!bytes) return bytes.error().in("append to mailbox");
        if (bytes->empty()) return plain_error("append to mailbox: a temporary file was cut short");
        if (const auto written = write_whole(fd, *bytes); !written) {
            return written.error().in("append to mailbox");
        }
        done += bytes->size();
    }
    return {};
}

// What is in memory leaves in one system call for all.
Status write_all(int fd, std::span<const Parcel* const> parcels, std::string_view before) {
    std::vector<iovec> vectors;
    if (!before.empty()) vectors.push_back(vector_of(before));
    for (const Parcel* parcel : parcels) {
        if (parcel->content.file() < 0) {
            vectors.push_back(vector_of(parcel->content.memory()));
            continue;
        }
        if (const auto done = write_vectors(fd, vectors); !done) return done;
        if (const auto done = write_from_file(fd, parcel->content); !done) return done;
    }
    return write_vectors(fd, vectors);
}

// A mailbox that was written to after it was last read holds new mail: what shells and
// notifiers go by. Where both happen in one tick of the file system's clock they see nothing.
void mark_unread(int fd) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const timespec times[2] = {{now.tv_sec - 1, now.tv_nsec}, {0, UTIME_NOW}};
    futimens(fd, times);
}

}  // namespace

std::vector<Outcome> MboxAppend::run(std::span<const Parcel> batch) {
    std::optional<Error> failure;
    const auto note = [&](const Status& status) {
        if (!status && !failure) failure = status.error();
        return status.has_value();
    };
    const bool ready = note(prepare(batch));
    const std::uint64_t before = size_;
    std::vector<const Parcel*> missing;
    for (const Parcel& parcel : batch) {
        if (!present_.contains(&parcel)) missing.push_back(&parcel);
    }
    if (ready && !missing.empty()) note(append(missing));
    if (!present_.empty() && !note(sync(before))) {
        // The kernel may have dropped what was written: none of it counts, and none may stay.
        present_.clear();
        note(cut(before));
    }
    if (unsure_) {
        lock_.abandon();
        return {};
    }
    std::vector<Outcome> outcomes;
    for (const Parcel& parcel : batch) {
        const bool there = present_.contains(&parcel);
        outcomes.push_back(there ? delivered("mbox") : retry_after(*failure));
    }
    return outcomes;
}

Status MboxAppend::prepare(std::span<const Parcel> batch) {
    struct stat facts{};
    if (fstat(fd_, &facts) != 0) return errno_error("look at mailbox");
    inode_ = facts.st_ino;
    size_ = static_cast<std::uint64_t>(facts.st_size);
    if (const auto done = undo_dead_append(); !done) return done;
    return find_earlier(batch);
}

// The dead one had reported nothing, as reports follow the release of the lock, and all of them
// come again. A file that reached its planned end is left to the search: it may have been read.
Status MboxAppend::undo_dead_append() {
    const auto& dead = lock_.inherited();
    if (!dead || dead->inode != inode_ || size_ <= dead->begin || size_ >= dead->end) return {};
    std::string buffer;
    const auto start = read_at(fd_, dead->begin, 7, buffer);
    if (!start) return start.error().in("look at mailbox");
    std::string_view line = *start;
    line.remove_prefix(std::min(line.find_first_not_of('\n'), line.size()));
    const std::string_view from = std::string_view("From ").substr(0, line.size());
    if (!line.starts_with(from)) return {};  // someone has rewritten the mailbox since
    return cut(dead->begin);
}

Status MboxAppend::find_earlier(std::span<const Parcel> batch) {
    std::set<std::string> tags;
    for (const Parcel& parcel : batch) {
        if (parcel.order.repeated) tags.insert(delivery_tag(parcel.order));
    }
    if (tags.empty() || size_ == 0) return {};
    const auto found = find_deliveries(fd_, size_, tags);
    if (!found) return found.error().pass();
    for (const Parcel& parcel : batch) {
        if (!parcel.order.repeated) continue;
        const auto at = found->find(delivery_tag(parcel.order));
        const auto start = at == found->end() ? std::nullopt : std::optional(at->second);
        if (const auto done = settle(parcel, start); !done) return done;
    }
    return {};
}

Status MboxAppend::settle(const Parcel& parcel, std::optional<std::uint64_t> start) {
    if (!start) {
        const auto torn = find_torn_head(fd_, size_, parcel.content);
        if (!torn) return torn.error().pass();
        return *torn ? cut(**torn) : Status();
    }
    if (*start >= size_) return {};  // was part of a tail that is cut off by now
    const auto copy = judge_copy(fd_, size_, *start, parcel.content);
    if (!copy) return copy.error().pass();
    switch (*copy) {
        case Copy::whole:
            present_.insert(&parcel);
            break;
        case Copy::torn:
            return cut(*start);
        case Copy::other:
            break;
    }
    return {};
}

Status MboxAppend::append(std::span<const Parcel* const> parcels) {
    const auto before = separator();
    if (!before) return before.error().pass();
    std::uint64_t end = size_ + before->size();
    const std::uint64_t first = end;
    for (const Parcel* parcel : parcels) end += parcel->content.size();
    if (const auto done = lock_.record({inode_, size_, end}); !done) return done;
    const auto written = write_all(fd_, parcels, *before);
    if (!written) {
        const auto mended = after_failed_append(parcels, first);
        return mended ? written : mended;
    }
    present_.insert(parcels.begin(), parcels.end());
    mark_unread(fd_);
    return {};
}

// Keeps the messages that are complete and cuts off the rest.
Status MboxAppend::after_failed_append(std::span<const Parcel* const> parcels,
                                       std::uint64_t first) {
    struct stat facts{};
    if (fstat(fd_, &facts) != 0) facts.st_size = 0;
    const auto reached = static_cast<std::uint64_t>(facts.st_size);
    std::uint64_t good = size_;
    std::uint64_t end = first;
    for (const Parcel* parcel : parcels) {
        end += parcel->content.size();
        if (end > reached) break;
        good = end;
        present_.insert(parcel);
    }
    return cut(good);
}

// What must stand in front of a "From " line, and doesn't where another program was cut short.
Result<std::string> MboxAppend::separator() const {
    if (size_ == 0) return std::string();
    std::string buffer;
    const std::uint64_t count = std::min<std::uint64_t>(size_, 2);
    const auto tail = read_at(fd_, size_ - count, count, buffer);
    if (!tail) return tail.error().in("look at mailbox");
    if (!tail->ends_with('\n')) return std::string("\n\n");
    return std::string(*tail == "\n\n" ? "" : "\n");
}

// A mailbox that was empty may be new: its name must reach the disk too.
Status MboxAppend::sync(std::uint64_t before) const {
    if (fsync(fd_) != 0) return errno_error("write mailbox to disk");
    if (before == 0 && fsync(folder_) != 0) return errno_error("write mail folder to disk");
    return {};
}

Status MboxAppend::cut(std::uint64_t size) {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
        unsure_ = true;
        return errno_error("cut off an incomplete message in the mailbox");
    }
    size_ = size;
    return {};
}

}  // namespace holdfast::mda
