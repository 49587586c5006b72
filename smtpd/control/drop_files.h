// The files of drop/ that qmgr has handed over and that are not settled.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "smtpd/control/drop_file.h"

namespace holdfast::control {

class DropFiles {
  public:
    explicit DropFiles(House& house) : house_(house) {}

    void on(DropMessage&& message);

    // qmgr has gone, and starts anew with all of them.
    void clear();

  private:
    void begin(const links::DropBegin& message);
    DropFile::Events events(std::uint64_t drop);
    void remove(std::uint64_t drop);

    House& house_;
    std::unordered_map<std::uint64_t, std::unique_ptr<DropFile>> files_;
    std::vector<std::unique_ptr<DropFile>> over_;  // until the turn's end: may be on the stack
};

}  // namespace holdfast::control
