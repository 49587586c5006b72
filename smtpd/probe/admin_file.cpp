#include "smtpd/probe/admin_file.h"

#include <array>
#include <cstdio>

#include <sys/stat.h>

#include "smtpd/base/read.h"
#include "smtpd/config/quantity.h"

namespace holdfast::probe {

namespace {

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

AdminFile failure(std::string problem, std::string remedy = {}) {
    return {std::nullopt, false, std::move(problem), std::move(remedy)};
}

AdminFile cannot_open(const Error& error) {
    if (error.code() == 0) return failure("cannot be opened: " + error.text());
    if (error.code() == EINVAL) return failure("is not a regular file");
    AdminFile file = failure("cannot be opened: " + errno_text(error.code()));
    file.missing = error.code() == ENOENT;
    if (error.code() == EACCES) file.remedy = "run this as root, or let its user read the file";
    return file;
}

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

}  // namespace

AdminFile AdminFiles::read(const std::string& path, std::size_t max_bytes) const {
    const auto fd = opener_.open(path);
    if (!fd) return cannot_open(fd.error());
    struct stat facts{};
    if (fstat(fd->get(), &facts) != 0) return failure("cannot be examined");
    // To its end, so that a file which grows meanwhile is seen whole or refused.
    auto text = read_at(fd->get(), 0, max_bytes + 1);
    if (!text) return failure("cannot be read: " + text.error().text());
    if (text->size() > max_bytes) {
        return failure("is larger than " + config::show_size(max_bytes));
    }
    AdminFile file{std::move(*text), false, {}, {}};
    if (facts.st_uid != 0 && facts.st_uid != owner_) {
        file.problem = "belongs to uid " + std::to_string(facts.st_uid) + ", who could change it";
        file.remedy = "mend it: chown root " + path;
    } else if ((facts.st_mode & writable_by_others) != 0) {
        file.problem = "may be written by others (mode " + octal(facts.st_mode) + ")";
        file.remedy = "mend it: chmod go-w " + path;
    }
    return file;
}

}  // namespace holdfast::probe
