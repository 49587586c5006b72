#include "tests/queue/fake_fs.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "smtpd/base/panic.h"

namespace holdfast::queue {

namespace {

constexpr std::size_t names_a_batch = 3;

FakeInodePointer new_inode(Kind kind, mode_t mode) {
    auto inode = std::make_shared<FakeInode>();
    inode->kind = kind;
    inode->mode = mode;
    inode->backing.reset(memfd_create("fake inode", MFD_CLOEXEC));
    return inode;
}

std::unexpected<Error> fails(int code, const std::string& what) {
    return std::unexpected(Error(code, what));
}

void put_entry(std::map<std::string, FakeInodePointer>& entries, const FakeEntryChange& change) {
    if (change.inode) {
        entries[change.name] = change.inode;
    } else {
        entries.erase(change.name);
    }
}

void put_bytes(std::string& bytes, const FakeWrite& write) {
    if (bytes.size() < write.offset + write.bytes.size()) {
        bytes.resize(write.offset + write.bytes.size(), '\0');
    }
    bytes.replace(write.offset, write.bytes.size(), write.bytes);
}

// Copies what survives of a tree.
class Survivors {
  public:
    Survivors(Survive survive, unsigned seed) : survive_(survive), random_(seed) {}

    FakeInodePointer copy(const FakeInodePointer& inode) {
        auto& known = copies_[inode.get()];
        if (known) return known;
        auto made = new_inode(inode->kind, inode->mode);
        known = made;
        made->uid = inode->uid;
        made->gid = inode->gid;
        made->modified = inode->modified;
        copy_bytes(*inode, *made);
        copy_entries(*inode, *made);
        return made;
    }

  private:
    bool kept() {
        if (survive_ == Survive::some) return (random_() & 1) != 0;
        return survive_ == Survive::everything;
    }

    void copy_bytes(const FakeInode& from, FakeInode& to) {
        // A process that dies leaves what others see; only a machine forgets.
        to.bytes = survive_ == Survive::everything ? from.bytes : from.disk_bytes;
        if (survive_ == Survive::some) {
            for (FakeWrite write : from.unsynced_writes) {
                // A file may grow without the bytes: then they are zeros.
                if (!kept()) write.bytes.assign(kept() ? write.bytes.size() : 0, '\0');
                if (kept()) write.bytes.resize(random_() % (write.bytes.size() + 1));
                put_bytes(to.bytes, write);
            }
        }
        to.disk_bytes = to.bytes;
    }

    void copy_entries(const FakeInode& from, FakeInode& to) {
        auto entries = survive_ == Survive::everything ? from.entries : from.disk_entries;
        if (survive_ == Survive::some) {
            for (const auto& change : from.unsynced_entries) {
                if (kept()) put_entry(entries, change);
            }
        }
        for (const auto& [name, inode] : entries) to.entries[name] = copy(inode);
        to.disk_entries = to.entries;
    }

    Survive survive_;
    std::minstd_rand random_;
    std::map<const FakeInode*, FakeInodePointer> copies_;
};

}  // namespace

FakeFileSystem::FakeFileSystem() : now(std::chrono::milliseconds(1'800'000'000'000)) {
    root_ = new_inode(Kind::folder, 0700);
}

UniqueFd FakeFileSystem::open_root() {
    const std::lock_guard lock(mutex_);
    auto fd = hand_out(root_, "spool", false);
    if (!fd) panic("no descriptor for the fake root");
    return std::move(*fd);
}

std::unique_ptr<FakeFileSystem> FakeFileSystem::crash(Survive survive, unsigned seed) const {
    const std::lock_guard lock(mutex_);
    auto next = std::make_unique<FakeFileSystem>();
    next->root_ = Survivors(survive, seed).copy(root_);
    next->no_rename_flag = no_rename_flag;
    next->now = now;
    return next;
}

void FakeFileSystem::die_at(unsigned call, Death death) {
    death_call_ = call;
    death_ = death;
}

std::vector<std::string> FakeFileSystem::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

void FakeFileSystem::forget_log() {
    const std::lock_guard lock(mutex_);
    log_.clear();
}

FakeInodePointer FakeFileSystem::find(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const std::size_t slash = path.find('/');
    const auto folder = root_->entries.find(path.substr(0, slash));
    if (folder == root_->entries.end()) return nullptr;
    if (slash == std::string::npos) return folder->second;
    const auto file = folder->second->entries.find(path.substr(slash + 1));
    return file == folder->second->entries.end() ? nullptr : file->second;
}

FakeInodePointer FakeFileSystem::plant(const std::string& path, std::string bytes) {
    const auto folder = find(path.substr(0, path.find('/')));
    auto inode = new_inode(Kind::regular, 0600);
    inode->bytes = bytes;
    inode->disk_bytes = std::move(bytes);
    inode->modified = now;
    const std::string name = path.substr(path.find('/') + 1);
    folder->entries[name] = inode;
    folder->disk_entries[name] = inode;
    return inode;
}

template <class Act>
auto FakeFileSystem::call(const std::string& what, Act act) -> decltype(act()) {
    if (before) before(what);
    const std::lock_guard lock(mutex_);
    ++calls_;
    log_.push_back(what);
    const bool last = calls_ == death_call_;
    if (last && death_ == Death::before) dead_ = true;
    if (dead_) return fails(EIO, "dead");
    const int code = fail ? fail(what) : 0;
    if (code != 0 && !what.starts_with("write") && !what.starts_with("sync")) {
        return fails(code, what);
    }
    auto result = act();
    if (last) dead_ = true;
    if (dead_) return fails(EIO, "dead");
    if (code != 0) return fails(code, what);
    return result;
}

Result<UniqueFd> FakeFileSystem::hand_out(FakeInodePointer inode, std::string what, bool append) {
    // A descriptor of its own, so that the kernel keeps the flocks and closing works as ever.
    const std::string path = "/proc/self/fd/" + std::to_string(inode->backing.get());
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return errno_error("open", path);
    handles_[fd.get()] = Handle{std::move(inode), std::move(what), append, 0, {}};
    return fd;
}

FakeFileSystem::Handle& FakeFileSystem::handle(int fd) {
    const auto found = handles_.find(fd);
    if (found == handles_.end()) panic("a descriptor that the fake never handed out");
    return found->second;
}

std::string FakeFileSystem::what(int fd) const {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(fd);
    return found == handles_.end() ? "?" : found->second.what;
}

void FakeFileSystem::write_to(FakeInode& inode, std::size_t offset, std::string_view bytes) {
    FakeWrite write{offset, std::string(bytes)};
    put_bytes(inode.bytes, write);
    inode.modified = now;
    inode.unsynced_writes.push_back(std::move(write));
}

void FakeFileSystem::change_entry(FakeInode& folder, const std::string& name,
                                  FakeInodePointer inode) {
    FakeEntryChange change{name, std::move(inode)};
    put_entry(folder.entries, change);
    folder.unsynced_entries.push_back(std::move(change));
}

Result<UniqueFd> FakeFileSystem::open(int folder, const std::string& name, Open how) {
    const std::string where = what(folder) == "spool" ? name : what(folder);
    return call("open " + where, [&]() -> Result<UniqueFd> {
        const FakeInodePointer parent = handle(folder).inode;
        if (name == ".") return hand_out(parent, where, false);
        const auto found = parent->entries.find(name);
        const bool there = found != parent->entries.end();
        if (there && how == Open::create) return fails(EEXIST, "open");
        const bool makes = how == Open::create || how == Open::append_make;
        if (!there && !makes) return fails(ENOENT, "open");
        if (!there) {
            auto inode = new_inode(Kind::regular, 0600);
            inode->modified = now;
            change_entry(*parent, name, inode);
            return hand_out(inode, where + " file", how == Open::append_make);
        }
        const auto& inode = found->second;
        const bool appends = how == Open::append || how == Open::append_make;
        return hand_out(inode, inode->kind == Kind::folder ? name : where + " file", appends);
    });
}

Status FakeFileSystem::make_folder(int folder, const std::string& name, mode_t mode) {
    return call("mkdir " + name, [&]() -> Status {
        FakeInode& parent = *handle(folder).inode;
        if (parent.entries.contains(name)) return fails(EEXIST, "mkdir");
        change_entry(parent, name, new_inode(Kind::folder, mode));
        return {};
    });
}

Status FakeFileSystem::set_mode(int fd, mode_t mode) {
    return call("chmod " + what(fd), [&]() -> Status {
        handle(fd).inode->mode = mode;
        return {};
    });
}

Status FakeFileSystem::write(int fd, std::initializer_list<std::string_view> pieces) {
    std::string bytes;
    for (const std::string_view piece : pieces) bytes.append(piece);
    const std::string called = "write " + what(fd);
    if (fail && fail(called) != 0) bytes.resize(bytes.size() / 2);
    return call(called, [&]() -> Status {
        Handle& to = handle(fd);
        const std::size_t at = to.append ? to.inode->bytes.size() : to.position;
        write_to(*to.inode, at, bytes);
        to.position = at + bytes.size();
        return {};
    });
}

Status FakeFileSystem::write_at(int fd, std::string_view bytes, std::uint64_t offset) {
    return call("write " + what(fd), [&]() -> Status {
        write_to(*handle(fd).inode, static_cast<std::size_t>(offset), bytes);
        return {};
    });
}

Result<std::size_t> FakeFileSystem::read_at(int fd, std::span<char> buffer, std::uint64_t offset) {
    return call("read " + what(fd), [&]() -> Result<std::size_t> {
        const std::string& bytes = handle(fd).inode->bytes;
        if (offset >= bytes.size()) return std::size_t{0};
        return bytes.copy(buffer.data(), buffer.size(), static_cast<std::size_t>(offset));
    });
}

// Runs for a sync that is to fail, too: what was unsynced is dropped and counts as clean.
Status FakeFileSystem::sync_inode(int fd) {
    const Handle& to = handle(fd);
    FakeInode& inode = *to.inode;
    const bool fails = fail && fail("sync " + to.what) != 0;
    if (!fails) {
        for (const FakeWrite& write : inode.unsynced_writes) put_bytes(inode.disk_bytes, write);
        for (const auto& change : inode.unsynced_entries) put_entry(inode.disk_entries, change);
    }
    inode.unsynced_writes.clear();
    inode.unsynced_entries.clear();
    return {};
}

Status FakeFileSystem::sync(int fd) {
    return call("sync " + what(fd), [&] { return sync_inode(fd); });
}

Status FakeFileSystem::sync_data(int fd) {
    return call("sync " + what(fd), [&] { return sync_inode(fd); });
}

Status FakeFileSystem::rename_new(int from, const std::string& name, int to,
                                  const std::string& new_name) {
    return call("rename " + what(to), [&]() -> Status {
        if (no_rename_flag) return fails(EINVAL, "rename");
        FakeInode& source = *handle(from).inode;
        FakeInode& target = *handle(to).inode;
        const auto found = source.entries.find(name);
        if (found == source.entries.end()) return fails(ENOENT, "rename");
        if (target.entries.contains(new_name)) return fails(EEXIST, "rename");
        change_entry(target, new_name, found->second);
        change_entry(source, name, nullptr);
        return {};
    });
}

Status FakeFileSystem::link(int from, const std::string& name, int to,
                            const std::string& new_name) {
    return call("link " + what(to), [&]() -> Status {
        FakeInode& source = *handle(from).inode;
        FakeInode& target = *handle(to).inode;
        const auto found = source.entries.find(name);
        if (found == source.entries.end()) return fails(ENOENT, "link");
        if (target.entries.contains(new_name)) return fails(EEXIST, "link");
        change_entry(target, new_name, found->second);
        return {};
    });
}

Status FakeFileSystem::remove(int folder, const std::string& name) {
    return call("remove " + what(folder), [&]() -> Status {
        FakeInode& parent = *handle(folder).inode;
        if (!parent.entries.contains(name)) return fails(ENOENT, "unlink");
        change_entry(parent, name, nullptr);
        return {};
    });
}

Result<std::vector<std::string>> FakeFileSystem::names(int folder) {
    return call("names " + what(folder), [&]() -> Result<std::vector<std::string>> {
        Handle& walked = handle(folder);
        if (!walked.names) {
            walked.names.emplace();
            for (const auto& entry : walked.inode->entries) walked.names->push_back(entry.first);
        }
        const auto count = std::min(names_a_batch, walked.names->size());
        const auto end = walked.names->begin() + static_cast<std::ptrdiff_t>(count);
        std::vector<std::string> batch(walked.names->begin(), end);
        walked.names->erase(walked.names->begin(), end);
        return batch;
    });
}

Result<FileInfo> FakeFileSystem::info(int fd) {
    return call("info " + what(fd), [&]() -> Result<FileInfo> {
        const FakeInode& inode = *handle(fd).inode;
        return FileInfo{inode.kind,  inode.mode,         inode.uid,     inode.gid,
                        inode.links, inode.bytes.size(), inode.modified};
    });
}

Result<Space> FakeFileSystem::space(int fd) {
    return call("space " + what(fd), [] { return Result<Space>(Space{1 << 30, 1 << 20}); });
}

Status FakeFileSystem::lock(int fd) {
    return call("lock " + what(fd), [&]() -> Status {
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return errno_error("lock");
        return {};
    });
}

Status FakeFileSystem::lock_shared(int fd) {
    return call("lock-shared " + what(fd), [&]() -> Status {
        if (::flock(fd, LOCK_SH | LOCK_NB) != 0) return errno_error("lock");
        return {};
    });
}

}  // namespace holdfast::queue
