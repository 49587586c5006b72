#include "smtpd/base/file_trust.h"

#include <array>
#include <cstdio>

namespace holdfast {

namespace {

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
constexpr mode_t open_to_others = S_IRWXG | S_IRWXO;

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

}  // namespace

std::optional<Distrust> distrust(const struct stat& facts, uid_t owner, const std::string& path) {
    if (facts.st_uid != 0 && facts.st_uid != owner) {
        return Distrust{"belongs to uid " + std::to_string(facts.st_uid) + ", who could change it",
                        "mend it: chown root " + path};
    }
    if ((facts.st_mode & writable_by_others) != 0) {
        return Distrust{"may be written by others (mode " + octal(facts.st_mode) + ")",
                        "mend it: chmod go-w " + path};
    }
    return std::nullopt;
}

std::optional<Distrust> distrust_secret(const struct stat& facts, uid_t owner,
                                        const std::string& path) {
    if ((facts.st_mode & open_to_others) == 0) return distrust(facts, owner, path);
    const Distrust open{"may be read by others (mode " + octal(facts.st_mode) + ")",
                        "chmod 600 " + path};
    struct stat closed = facts;
    closed.st_mode &= ~open_to_others;
    const auto stranger = distrust(closed, owner, path);
    if (!stranger) return Distrust{open.problem, "mend it: " + open.remedy};
    return Distrust{stranger->problem + ", and " + open.problem,
                    stranger->remedy + " && " + open.remedy};
}

}  // namespace holdfast
