#include "smtpd/mda/content.h"

#include "smtpd/base/read.h"
#include "smtpd/base/write.h"

namespace holdfast::mda {

namespace {

constexpr std::size_t block = 64 * 1024;

}  // namespace

Status Content::append(std::string_view bytes) {
    size_ += bytes.size();
    if (file_) return write_all(file_.get(), bytes);
    memory_.append(bytes);
    return {};
}

Status Content::spill(UniqueFd file) {
    file_ = std::move(file);
    const std::string bytes = std::exchange(memory_, {});
    return write_all(file_.get(), bytes);
}

Result<std::string> Content::read(std::uint64_t offset) const {
    if (file_) return read_at(file_.get(), offset, block);
    return memory_.substr(offset, block);
}

}  // namespace holdfast::mda
