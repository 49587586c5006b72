#include "queue/store.h"

#include <utility>

#include <sys/random.h>

#include "smtpd/base/panic.h"

namespace holdfast::queue {

namespace {

constexpr std::array own_folders{Folder::tmp, Folder::queue, Folder::seen, Folder::quarantine};

// More damaged messages of one name than this are not a matter of names any more.
constexpr unsigned quarantine_attempts = 1000;

std::uint64_t random_writer() {
    std::uint64_t writer = 0;
    if (getrandom(&writer, sizeof writer, 0) != static_cast<ssize_t>(sizeof writer)) {
        panic("getrandom gave no random bytes");
    }
    return writer;
}

std::string path_of(Folder folder, std::string_view name) {
    return std::string(folder_name(folder)).append("/").append(name);
}

}  // namespace

Result<Scan::Batch> Scan::next() {
    const auto names = fs_->names(fd_.get());
    if (!names) return names.error().in(std::string("walk ") + folder_name(folder_));
    Batch batch;
    batch.last = names->empty();
    for (const std::string& name : *names) {
        if (const auto id = parse_message_name(name)) {
            batch.ids.push_back(*id);
        } else if (folder_ != Folder::drop || !name.ends_with(drop_draft_suffix)) {
            batch.strangers.push_back(name);
        }
    }
    return batch;
}

Result<UniqueFd> open_own_folder(FileSystem& fs, int spool, Folder which) {
    const std::string name = folder_name(which);
    auto folder = fs.open(spool, name, Open::folder);
    if (!folder && folder.error().code() == ENOENT) {
        const auto made = fs.make_folder(spool, name, folder_mode(which));
        if (!made && made.error().code() != EEXIST) return made.error().pass();
        folder = fs.open(spool, name, Open::folder);
    }
    if (!folder) return folder.error().pass();
    const auto info = fs.info(folder->get());
    if (!info) return info.error().pass();
    if (info->mode != folder_mode(which)) {
        const auto corrected = fs.set_mode(folder->get(), folder_mode(which));
        if (!corrected) return corrected.error().in("correct the mode of " + name);
    }
    return folder;
}

Store::Store(FileSystem& fs, UniqueFd spool)
    : fs_(fs), spool_(std::move(spool)), writer_(random_writer()) {}

Result<std::unique_ptr<Store>> Store::open(FileSystem& fs, UniqueFd spool) {
    std::unique_ptr<Store> store(new Store(fs, std::move(spool)));
    if (const auto joined = store->join_committers(); !joined) {
        return joined.error().in("open the spool");
    }
    if (const auto opened = store->open_folders(); !opened) {
        return opened.error().in("open the spool");
    }
    auto seen = Seen::open(fs, store->folder(Folder::seen));
    if (!seen) return seen.error().in("open the spool");
    store->seen_ = std::move(*seen);
    return store;
}

// Before anything can be committed: whoever schedules sees the file being opened, and looks into
// queue/ from then on. Opened once more when it is locked: who looked in between saw nobody.
Status Store::join_committers() {
    auto file = fs_.open(spool_.get(), committers_name, Open::append_make);
    if (!file) return file.error().pass();
    committers_ = std::move(*file);
    if (const auto locked = fs_.lock_shared(committers_.get()); !locked) return locked;
    const auto seen = fs_.open(spool_.get(), committers_name, Open::append_make);
    return seen ? Status() : seen.error().pass();
}

// Names that an earlier process made or moved and did not live to sync are on disk after this, so
// that what is found in queue/ is there to stay.
Status Store::open_folders() {
    for (const Folder which : own_folders) {
        auto folder = open_own_folder(fs_, spool_.get(), which);
        if (!folder) return folder.error().pass();
        const auto synced = fs_.sync(folder->get());
        if (!synced) return synced.error().in(std::string("sync ") + folder_name(which));
        folders_.at(static_cast<std::size_t>(which)) = std::move(*folder);
    }
    return fs_.sync(spool_.get());
}

Result<Draft> Store::draft(const Envelope& envelope, std::vector<LogEntry> verdicts) {
    if (envelope.recipients.empty()) return std::unexpected(Error(EINVAL, "no recipient"));
    std::string text = encode_envelope(envelope);
    if (text.size() > max_envelope) return std::unexpected(Error(EMSGSIZE, "envelope"));
    Draft draft(*this, envelope, std::move(text));
    draft.verdicts_ = std::move(verdicts);
    return draft;
}

std::string Store::new_draft_name(const MessageId& id) {
    return draft_name(id, writer_, drafts_.fetch_add(1, std::memory_order_relaxed));
}

Result<LogCursor> Store::record(const MessageId& id, const LogCursor& at,
                                std::span<const LogEntry> entries, Durability durability) {
    LogCursor cursor = at;
    // What an earlier append left half done must not swallow ours.
    std::string lines = "\n";
    for (const LogEntry& entry : entries) {
        const std::string line = encode_log_line({cursor.next, at.synced, entry}, at.seed);
        if (line.size() > max_log_line) return std::unexpected(Error(EMSGSIZE, "log line"));
        lines += line;
        ++cursor.next;
    }
    const std::string name = message_name(id);
    const auto file = fs_.open(folder(Folder::queue), name, Open::append);
    if (!file) return file.error().in("append to queue/" + name);
    if (const auto written = fs_.write(file->get(), {lines}); !written) {
        return written.error().in("append to queue/" + name);
    }
    if (durability == Durability::lazy) return cursor;
    if (const auto synced = fs_.sync_data(file->get()); !synced) {
        return synced.error().in("sync queue/" + name);
    }
    cursor.synced = cursor.next - 1;
    return cursor;
}

Status Store::remove(const MessageId& id) {
    const auto removed = fs_.remove(folder(Folder::queue), message_name(id));
    if (removed || removed.error().code() == ENOENT) return {};
    return removed.error().in("remove from queue/");
}

Status Store::sync_queue() {
    const std::lock_guard lock(sync_mutex_);
    if (queue_failed_)
        return std::unexpected(Error(EIO, "sync queue/: an earlier sync has failed"));
    const auto synced = fs_.sync(folder(Folder::queue));
    if (synced) return synced;
    queue_failed_ = true;
    return synced.error().in("sync queue/");
}

Result<std::string> Store::quarantine(const MessageId& id) {
    return quarantine_from(Folder::queue, folder(Folder::queue), message_name(id));
}

Result<std::string> Store::quarantine_from(Folder from, int fd, const std::string& name) {
    for (unsigned attempt = 0; attempt < quarantine_attempts; ++attempt) {
        std::string new_name = quarantine_name(from, name, attempt);
        const auto moved = move_new(fs_, fd, name, folder(Folder::quarantine), new_name);
        if (!moved && moved.error().code() == EEXIST) continue;
        if (!moved) return moved.error().in("move " + path_of(from, name) + " into quarantine/");
        // Kept before it is gone: the new name first.
        auto synced = fs_.sync(folder(Folder::quarantine));
        if (synced) synced = from == Folder::queue ? sync_queue() : fs_.sync(fd);
        if (!synced) return synced.error().in("move " + path_of(from, name) + " into quarantine/");
        return new_name;
    }
    return std::unexpected(Error(EEXIST, "move into quarantine/", name));
}

Result<Scan> Store::scan() {
    auto fd = fs_.open(folder(Folder::queue), ".", Open::folder);
    if (!fd) return fd.error().in("walk queue/");
    return Scan(fs_, std::move(*fd), Folder::queue);
}

Result<std::uint64_t> Store::quarantined() {
    std::uint64_t count = 0;
    const auto walked =
        for_each_name(fs_, folder(Folder::quarantine), [&](const std::string&) -> Status {
            ++count;
            return {};
        });
    if (!walked) return walked.error().in("list quarantine/");
    return count;
}

Result<unsigned> Store::reap(WallTime now) {
    unsigned reaped = 0;
    const auto walked =
        for_each_name(fs_, folder(Folder::tmp), [&](const std::string& name) -> Status {
            if (is_abandoned(name, now) && fs_.remove(folder(Folder::tmp), name)) ++reaped;
            return {};
        });
    if (!walked) return walked.error().in("reap tmp/");
    return reaped;
}

// What cannot be looked at now is looked at again another day.
bool Store::is_abandoned(const std::string& name, WallTime now) {
    const auto file = fs_.open(folder(Folder::tmp), name, Open::read);
    if (!file) return false;
    const auto info = fs_.info(file->get());
    if (!info || info->kind != Kind::regular || now - info->modified < draft_age) return false;
    return fs_.lock(file->get()).has_value();
}

Result<Space> Store::space() {
    return fs_.space(folder(Folder::queue));
}

Result<std::optional<UniqueFd>> Store::try_lock() {
    auto file = fs_.open(spool_.get(), lock_name, Open::append_make);
    if (!file) return file.error().in("lock the spool");
    const auto locked = fs_.lock(file->get());
    if (locked) return std::move(*file);
    if (locked.error().code() == EWOULDBLOCK) return std::nullopt;
    return locked.error().in("lock the spool");
}

// A lock that could not be turned into an exclusive one is lost: it is taken again either way.
Result<bool> Store::alone() {
    const auto exclusive = fs_.lock(committers_.get());
    if (const auto shared = fs_.lock_shared(committers_.get()); !shared) {
        return shared.error().in("lock the spool's committers");
    }
    if (exclusive) return true;
    if (exclusive.error().code() == EWOULDBLOCK) return false;
    return exclusive.error().in("lock the spool's committers");
}

}  // namespace holdfast::queue
