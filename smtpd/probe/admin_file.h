// Reads a file of the admin: who else could write to it decides who could become root through it,
// so owner and mode are part of its content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "smtpd/probe/opener.h"

namespace holdfast::probe {

struct OpenedFile {
    UniqueFd fd;                 // also where only owner or mode is wrong
    bool missing = false;        // there is no such file (and that is the problem)
    bool for_everybody = false;  // every user may read it
    std::string problem;         // "belongs to uid 33"; empty where all is well
    std::string remedy;          // "mend it: chown root /etc/aliases"; may be empty
};

struct AdminFile {
    std::optional<std::string> text;  // also where only owner or mode is wrong
    bool missing = false;             // as of OpenedFile, and the others
    std::string problem;
    std::string remedy;
};

// Who may read a file beside its owner.
enum class Readers : std::uint8_t { anyone, nobody };

class AdminFiles {
  public:
    // Files must belong to root or to `owner`, the user that runs the probe.
    AdminFiles(const Opener& opener, uid_t owner) : opener_(opener), owner_(owner) {}

    OpenedFile open(const std::string& path, Readers readers = Readers::anyone) const;
    AdminFile read(const std::string& path, std::size_t max_bytes,
                   Readers readers = Readers::anyone) const;

  private:
    const Opener& opener_;
    uid_t owner_;
};

}  // namespace holdfast::probe
