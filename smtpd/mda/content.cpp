#include "smtpd/mda/content.h"

#include <unistd.h>

namespace holdfast::mda {

namespace {

constexpr std::size_t block = 64 * 1024;

}  // namespace

Status write_whole(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string_view> read_at(int fd, std::uint64_t offset, std::size_t count,
                                 std::string& buffer) {
    buffer.resize(count);
    std::size_t have = 0;
    while (have < count) {
        const ssize_t got =
            ::pread(fd, buffer.data() + have, count - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("read");
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    return std::string_view(buffer).substr(0, have);
}

Status Content::append(std::string_view bytes) {
    size_ += bytes.size();
    if (file_) return write_whole(file_.get(), bytes);
    memory_.append(bytes);
    return {};
}

Status Content::spill(UniqueFd file) {
    file_ = std::move(file);
    const std::string bytes = std::exchange(memory_, {});
    return write_whole(file_.get(), bytes);
}

Result<std::string_view> Content::read(std::uint64_t offset, std::string& buffer) const {
    if (file_) return read_at(file_.get(), offset, block, buffer);
    return std::string_view(memory_).substr(offset, block);
}

}  // namespace holdfast::mda
