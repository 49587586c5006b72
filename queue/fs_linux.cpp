// The real file system: system calls of Linux, and nothing else.
#include <array>
#include <cstdio>
#include <cstring>
#include <limits>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "queue/fs.h"
#include "smtpd/base/panic.h"

namespace holdfast::queue {

namespace {

constexpr std::size_t max_pieces = 8;

// Writes what `pieces` hold, and moves them on; one call of the kernel may take less.
Status write_pieces(int fd, std::span<iovec> pieces) {
    while (!pieces.empty()) {
        if (pieces.front().iov_len == 0) {
            pieces = pieces.subspan(1);
            continue;
        }
        const ssize_t written = ::writev(fd, pieces.data(), static_cast<int>(pieces.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno_error("write");
        auto rest = static_cast<std::size_t>(written);
        for (iovec& piece : pieces) {
            const std::size_t taken = std::min(rest, piece.iov_len);
            piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
            piece.iov_len -= taken;
            rest -= taken;
        }
    }
    return {};
}

int open_flags(Open how) {
    switch (how) {
        case Open::read:
            return O_RDONLY | O_NONBLOCK | O_NOCTTY;
        case Open::create:
            return O_WRONLY | O_CREAT | O_EXCL;
        case Open::append:
            return O_WRONLY | O_APPEND;
        case Open::append_make:
            return O_WRONLY | O_APPEND | O_CREAT;
        case Open::folder:
            return O_RDONLY | O_DIRECTORY;
    }
    panic("no such way to open a file");
}

Kind kind_of(mode_t mode) {
    if (S_ISREG(mode)) return Kind::regular;
    return S_ISDIR(mode) ? Kind::folder : Kind::other;
}

WallTime wall_time(const timespec& time) {
    return WallTime(std::chrono::seconds(time.tv_sec) +
                    std::chrono::milliseconds(time.tv_nsec / 1'000'000));
}

// The names in the records that getdents64 has written.
std::vector<std::string> names_in(std::span<const char> records) {
    std::vector<std::string> names;
    while (!records.empty()) {
        const char* record = records.data();
        unsigned short length = 0;
        std::memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof length);
        const std::string name = record + offsetof(dirent64, d_name);
        if (name != "." && name != "..") names.push_back(name);
        records = records.subspan(length);
    }
    return names;
}

class LinuxFileSystem final : public FileSystem {
  public:
    Result<UniqueFd> open(int folder, const std::string& name, Open how) override {
        const int flags = open_flags(how) | O_CLOEXEC | O_NOFOLLOW;
        int fd = -1;
        do {
            fd = ::openat(folder, name.c_str(), flags, 0600);
        } while (fd < 0 && errno == EINTR);
        if (fd < 0) return errno_error("open", name);
        return UniqueFd(fd);
    }

    Status make_folder(int folder, const std::string& name, mode_t mode) override {
        if (::mkdirat(folder, name.c_str(), 0700) != 0) return errno_error("mkdir", name);
        if (::fchmodat(folder, name.c_str(), mode, 0) != 0) return errno_error("chmod", name);
        return {};
    }

    Status set_mode(int fd, mode_t mode) override {
        if (::fchmod(fd, mode) != 0) return errno_error("chmod");
        return {};
    }

    Status write(int fd, std::initializer_list<std::string_view> pieces) override {
        std::array<iovec, max_pieces> vector{};
        if (pieces.size() > vector.size()) panic("too many pieces in one write");
        std::size_t count = 0;
        for (const std::string_view piece : pieces) {
            vector.at(count++) = {const_cast<char*>(piece.data()), piece.size()};
        }
        return write_pieces(fd, std::span(vector).first(count));
    }

    Status write_at(int fd, std::string_view bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const ssize_t written =
                ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return errno_error("write");
            bytes.remove_prefix(static_cast<std::size_t>(written));
            offset += static_cast<std::uint64_t>(written);
        }
        return {};
    }

    Result<std::size_t> read_at(int fd, std::span<char> buffer, std::uint64_t offset) override {
        std::size_t filled = 0;
        while (filled < buffer.size()) {
            const ssize_t got = ::pread(fd, buffer.data() + filled, buffer.size() - filled,
                                        static_cast<off_t>(offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return errno_error("read");
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        return filled;
    }

    Status sync(int fd) override {
        if (::fsync(fd) != 0) return errno_error("fsync");
        return {};
    }

    Status sync_data(int fd) override {
        if (::fdatasync(fd) != 0) return errno_error("fdatasync");
        return {};
    }

    Status rename_new(int from, const std::string& name, int to,
                      const std::string& new_name) override {
        if (::renameat2(from, name.c_str(), to, new_name.c_str(), RENAME_NOREPLACE) == 0) return {};
        // A kernel or a filter without the call is as good as a file system without the flag.
        if (errno == ENOSYS) errno = EINVAL;
        return errno_error("rename", name);
    }

    Status link(int from, const std::string& name, int to, const std::string& new_name) override {
        if (::linkat(from, name.c_str(), to, new_name.c_str(), 0) == 0) return {};
        return errno_error("link", name);
    }

    Status remove(int folder, const std::string& name) override {
        if (::unlinkat(folder, name.c_str(), 0) != 0) return errno_error("unlink", name);
        return {};
    }

    Result<std::vector<std::string>> names(int folder) override {
        alignas(dirent64) std::array<char, 32 * 1024> records;
        for (;;) {
            const ssize_t got = ::getdents64(folder, records.data(), records.size());
            if (got < 0) return errno_error("list folder");
            auto names = names_in(std::span(records).first(static_cast<std::size_t>(got)));
            // A batch of nothing but "." and ".." is not the end.
            if (got == 0 || !names.empty()) return names;
        }
    }

    Result<FileInfo> info(int fd) override {
        struct stat status{};
        if (::fstat(fd, &status) != 0) return errno_error("stat");
        FileInfo info;
        info.kind = kind_of(status.st_mode);
        info.mode = status.st_mode & 07777;
        info.uid = status.st_uid;
        info.gid = status.st_gid;
        info.links = status.st_nlink;
        info.size = static_cast<std::uint64_t>(status.st_size);
        info.modified = wall_time(status.st_mtim);
        return info;
    }

    Result<Space> space(int fd) override {
        struct statfs status{};
        if (::fstatfs(fd, &status) != 0) return errno_error("statfs");
        // btrfs and others report no inodes at all.
        const bool limited = status.f_files != 0;
        return Space{static_cast<std::uint64_t>(status.f_bavail) *
                         static_cast<std::uint64_t>(status.f_bsize),
                     limited ? static_cast<std::uint64_t>(status.f_ffree)
                             : std::numeric_limits<std::uint64_t>::max()};
    }

    Status lock(int fd) override {
        while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EINTR) return errno_error("lock");
        }
        return {};
    }

    Status lock_shared(int fd) override {
        while (::flock(fd, LOCK_SH) != 0) {
            if (errno != EINTR) return errno_error("lock");
        }
        return {};
    }
};

// Same file: the root's parent is the root.
bool same(int a, int b) {
    struct stat first{};
    struct stat second{};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace

FileSystem& real_file_system() {
    static LinuxFileSystem file_system;
    return file_system;
}

Result<UniqueFd> open_spool(const char* path) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    UniqueFd spool(::open(path, flags));
    if (!spool) return errno_error("open spool", path);
    if (::fsync(spool.get()) != 0) return errno_error("sync spool", path);
    UniqueFd folder(::openat(spool.get(), "..", flags));
    // A confined room cannot open what is above its own tree, and a read-only file system has
    // nothing to sync: neither says anything about the spool.
    while (folder && ::fsync(folder.get()) == 0) {
        UniqueFd above(::openat(folder.get(), "..", flags));
        if (!above || same(above.get(), folder.get())) break;
        folder = std::move(above);
    }
    return spool;
}

}  // namespace holdfast::queue
