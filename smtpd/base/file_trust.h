// Who else could change a file of the admin could become root through it.
#pragma once

#include <optional>
#include <string>

#include <sys/stat.h>

namespace holdfast {

struct Distrust {
    std::string problem;  // "belongs to uid 33, who could change it"
    std::string remedy;   // "mend it: chown root /etc/aliases"
};

// Of the file at `path` with these facts (fstat(2)): it has to belong to root or to `owner`, and
// nobody else may write to it.
std::optional<Distrust> distrust(const struct stat& facts, uid_t owner, const std::string& path);

// As distrust(), of a file with a secret: nobody else may read it either.
std::optional<Distrust> distrust_secret(const struct stat& facts, uid_t owner,
                                        const std::string& path);

}  // namespace holdfast
