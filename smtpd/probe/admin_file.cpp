#include "smtpd/probe/admin_file.h"

#include <sys/stat.h>

#include "smtpd/base/file_trust.h"
#include "smtpd/base/read.h"
#include "smtpd/config/quantity.h"

namespace holdfast::probe {

namespace {

OpenedFile failure(std::string problem, std::string remedy = {}) {
    OpenedFile file;
    file.problem = std::move(problem);
    file.remedy = std::move(remedy);
    return file;
}

OpenedFile cannot_open(const Error& error) {
    if (error.code() == 0) return failure("cannot be opened: " + error.text());
    if (error.code() == EINVAL) return failure("is not a regular file");
    OpenedFile file = failure("cannot be opened: " + errno_text(error.code()));
    file.missing = error.code() == ENOENT;
    if (error.code() == EACCES) file.remedy = "run this as root, or let its user read the file";
    return file;
}

}  // namespace

OpenedFile AdminFiles::open(const std::string& path, Readers readers) const {
    auto fd = opener_.open(path);
    if (!fd) return cannot_open(fd.error());
    struct stat facts{};
    if (fstat(fd->get(), &facts) != 0) return failure("cannot be examined");
    OpenedFile file;
    file.fd = std::move(*fd);
    file.for_everybody = (facts.st_mode & S_IROTH) != 0;
    const auto judge = readers == Readers::nobody ? distrust_secret : distrust;
    if (auto reason = judge(facts, owner_, path)) {
        file.problem = std::move(reason->problem);
        file.remedy = std::move(reason->remedy);
    }
    return file;
}

AdminFile AdminFiles::read(const std::string& path, std::size_t max_bytes, Readers readers) const {
    OpenedFile file = open(path, readers);
    AdminFile result{std::nullopt, file.missing, std::move(file.problem), std::move(file.remedy)};
    if (!file.fd) return result;
    // To its end, so that a file which grows meanwhile is seen whole or refused.
    auto text = read_at(file.fd.get(), 0, max_bytes + 1);
    if (text && text->size() <= max_bytes) {
        result.text = std::move(*text);
        return result;
    }
    result.problem = text ? "is larger than " + config::show_size(max_bytes)
                          : "cannot be read: " + text.error().text();
    result.remedy.clear();
    return result;
}

}  // namespace holdfast::probe
