// A file system in memory that forgets what was not synced: the fake of the file system seam.
//
// It keeps, for each file and folder, what the disk has and the operations that only memory knows.
// A crash makes a new file system of the former, with none, all or any subset of the latter, torn
// writes included. It obeys POSIX and no more: syncing a file says nothing about its name, and a
// rename is an entry that comes in one folder and an entry that goes in another.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "queue/fs.h"

namespace holdfast::queue {

struct FakeInode;
using FakeInodePointer = std::shared_ptr<FakeInode>;

struct FakeWrite {
    std::size_t offset = 0;
    std::string bytes;
};

struct FakeEntryChange {
    std::string name;
    FakeInodePointer inode;  // nullptr: the name goes
};

struct FakeInode {
    Kind kind = Kind::regular;
    mode_t mode = 0600;
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t links = 1;
    WallTime modified;
    UniqueFd backing;  // a memfd: what descriptors and flocks refer to

    std::string bytes;       // as a process sees it
    std::string disk_bytes;  // as the disk has it
    std::vector<FakeWrite> unsynced_writes;

    std::map<std::string, FakeInodePointer> entries;
    std::map<std::string, FakeInodePointer> disk_entries;
    std::vector<FakeEntryChange> unsynced_entries;
};

// What is left of unsynced operations after a crash.
enum class Survive : std::uint8_t { nothing, everything, some };

class FakeFileSystem final : public FileSystem {
  public:
    FakeFileSystem();

    UniqueFd open_root();
    // The file system as the next boot finds it. `seed` decides under Survive::some.
    std::unique_ptr<FakeFileSystem> crash(Survive survive, unsigned seed = 0) const;

    // Dies at call number `call` (from 1): before it takes effect or after; every later call fails.
    enum class Death : std::uint8_t { before, after };
    void die_at(unsigned call, Death death);
    bool dead() const { return dead_; }
    unsigned calls() const { return calls_; }

    // Asked before each call, "sync queue"; an errno makes the call fail with it. A write that
    // fails has written half; a sync that fails has dropped what it should have written, and the
    // next one says yes.
    std::function<int(const std::string& call)> fail;
    bool no_rename_flag = false;  // rename_new() is EINVAL
    std::function<void(const std::string& call)> before;
    WallTime now;

    // What was called: "open tmp", "write", "rename queue".
    std::vector<std::string> log() const;
    void forget_log();

    // For tests: direct access, as a process would see it. nullptr where nothing is.
    FakeInodePointer find(const std::string& path) const;
    // Puts a file there, on disk.
    FakeInodePointer plant(const std::string& path, std::string bytes);

    Result<UniqueFd> open(int folder, const std::string& name, Open how) override;
    Status make_folder(int folder, const std::string& name, mode_t mode) override;
    Status set_mode(int fd, mode_t mode) override;
    Status write(int fd, std::initializer_list<std::string_view> pieces) override;
    Status write_at(int fd, std::string_view bytes, std::uint64_t offset) override;
    Result<std::size_t> read_at(int fd, std::span<char> buffer, std::uint64_t offset) override;
    Status sync(int fd) override;
    Status sync_data(int fd) override;
    Status rename_new(int from, const std::string& name, int to,
                      const std::string& new_name) override;
    Status link(int from, const std::string& name, int to, const std::string& new_name) override;
    Status remove(int folder, const std::string& name) override;
    Result<std::vector<std::string>> names(int folder) override;
    Result<FileInfo> info(int fd) override;
    Result<Space> space(int fd) override;
    Status lock(int fd) override;
    Status lock_shared(int fd) override;

  private:
    struct Handle {
        FakeInodePointer inode;
        std::string what;  // of the log: "queue", "queue/file"
        bool append = false;
        std::size_t position = 0;
        std::optional<std::vector<std::string>> names;
    };

    // Runs one call: counts it, fails or dies as was asked, else returns what `act` does.
    template <class Act>
    auto call(const std::string& what, Act act) -> decltype(act());
    Result<UniqueFd> hand_out(FakeInodePointer inode, std::string what, bool append);
    Handle& handle(int fd);
    std::string what(int fd) const;
    void write_to(FakeInode& inode, std::size_t offset, std::string_view bytes);
    void change_entry(FakeInode& folder, const std::string& name, FakeInodePointer inode);
    Status sync_inode(int fd);

    mutable std::mutex mutex_;
    FakeInodePointer root_;
    std::map<int, Handle> handles_;
    std::vector<std::string> log_;
    unsigned calls_ = 0;
    unsigned death_call_ = 0;
    Death death_ = Death::before;
    std::atomic<bool> dead_ = false;
};

}  // namespace holdfast::queue
