#include "queue/slice.h"

#include <algorithm>

namespace holdfast::queue {

Result<std::string> Slice::read(std::uint64_t offset, std::size_t size) const {
    if (offset >= length_) return std::string();
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(size, length_ - offset));
    if (kept()) return bytes_.substr(static_cast<std::size_t>(offset), wanted);
    std::string bytes(wanted, '\0');
    const auto got = fs_->read_at(fd_.get(), bytes, begin_ + offset);
    if (!got) return got.error().pass();
    if (*got != wanted) return plain_error("the file is shorter than it should be");
    return bytes;
}

void Slice::keep(std::string bytes) {
    bytes_ = std::move(bytes);
    fd_.reset();
}

}  // namespace holdfast::queue
