// The executables of one version, pinned: opened once, and from then on only these files are
// executed, whatever an upgrade puts at their paths meanwhile.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/handover.h"

namespace holdfast {

// An executable to be started: a borrowed O_PATH descriptor, and the path for messages.
struct Executable {
    int fd = -1;
    std::string path;
};

class Image {
  public:
    struct Paths {
        std::string smtpd;    // the parent's own
        std::string libexec;  // the folder of the others
    };

    // Opens smtpd and every program that the house starts; fails with what is missing.
    static Result<std::shared_ptr<const Image>> pin(const Paths& paths);

    struct Pinned {
        std::string path;
        UniqueFd file;
    };
    // `files` by name: "smtpd", "probe", "mda" and the rooms'.
    explicit Image(std::map<std::string, Pinned, std::less<>> files) : files_(std::move(files)) {}

    // What an earlier program in this process has pinned.
    static std::shared_ptr<const Image> adopt(std::vector<links::ProgramState> programs);
    std::vector<links::ProgramState> leave() const;

    // `name` is one of those; panics otherwise.
    Executable find(std::string_view name) const;

  private:
    std::map<std::string, Pinned, std::less<>> files_;
};

}  // namespace holdfast
