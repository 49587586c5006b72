// The one door to the file system, and the seam where a crash test takes its place. Nothing in
// queue/ makes a system call on a file but through it, except close(), which UniqueFd does.
//
// Every call may block on the disk; every call may be made from any thread. Names are single
// components, relative to a folder's descriptor; no call follows a symbolic link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::queue {

enum class Open : std::uint8_t {
    read,         // a regular file, or whatever lies there: never waits for a FIFO's writer
    create,       // must not exist; write only, mode 0600
    append,       // exists; writes go to its end
    append_make,  // as append, made with mode 0600 where it does not exist
    folder,
};

enum class Kind : std::uint8_t { regular, folder, other };

struct FileInfo {
    Kind kind = Kind::other;
    mode_t mode = 0;  // permission bits
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t links = 0;
    std::uint64_t size = 0;
    WallTime modified;
};

struct Space {
    std::uint64_t bytes = 0;  // free for us
    std::uint64_t files = 0;  // free inodes; the largest number where the file system has no limit
};

class FileSystem {
  public:
    virtual ~FileSystem() = default;

    virtual Result<UniqueFd> open(int folder, const std::string& name, Open how) = 0;
    // mkdir and chmod: the mode is as given, whatever the umask is.
    virtual Status make_folder(int folder, const std::string& name, mode_t mode) = 0;
    virtual Status set_mode(int fd, mode_t mode) = 0;

    // All of the pieces behind each other, at the end of the file. After a failure any prefix may
    // have been written.
    virtual Status write(int fd, std::initializer_list<std::string_view> pieces) = 0;
    // All of `bytes` at `offset`, in a file of Open::create.
    virtual Status write_at(int fd, std::string_view bytes, std::uint64_t offset) = 0;
    // Fills `buffer` from `offset` on as far as the file goes; returns how far that was.
    virtual Result<std::size_t> read_at(int fd, std::span<char> buffer, std::uint64_t offset) = 0;

    // After a failure what was written is lost, whatever a second call would say.
    virtual Status sync(int fd) = 0;       // fsync: a file, or a folder's names
    virtual Status sync_data(int fd) = 0;  // fdatasync

    // Renames, never over another file: EEXIST. EINVAL where the file system cannot promise that.
    virtual Status rename_new(int from, const std::string& name, int to,
                              const std::string& new_name) = 0;
    virtual Status link(int from, const std::string& name, int to, const std::string& new_name) = 0;
    virtual Status remove(int folder, const std::string& name) = 0;

    // The next names of an open folder (one getdents64), without "." and ".."; none at the end.
    // Needs memory for one batch, so a folder of a million names is walked in steps.
    virtual Result<std::vector<std::string>> names(int folder) = 0;
    virtual Result<FileInfo> info(int fd) = 0;
    virtual Result<Space> space(int fd) = 0;
    // An exclusive flock without waiting: EWOULDBLOCK where another open file holds it.
    virtual Status lock(int fd) = 0;
    // A shared one, in place of what the open file had; waits while another has it exclusively.
    virtual Status lock_shared(int fd) = 0;
};

// The kernel's. System calls, for a seccomp filter: openat mkdirat fchmodat fchmod writev pwrite64
// pread64 fsync fdatasync renameat2 linkat unlinkat getdents64 fstat (newfstatat) fstatfs flock
// close.
FileSystem& real_file_system();

// rename_new(), or link and unlink where the file system lacks it.
Status move_new(FileSystem& fs, int from, const std::string& name, int to,
                const std::string& new_name);

// Calls `visit` with each name in `folder`, a batch in memory at a time; an error of `visit` ends
// it.
Status for_each_name(FileSystem& fs, int folder,
                     const std::function<Status(const std::string&)>& visit);

// Opens the spool, and syncs the folders above it as far as they can be opened, so that the spool
// itself survives a crash. Blocks.
Result<UniqueFd> open_spool(const char* path);

}  // namespace holdfast::queue
