// The aliases of this machine, as the probe read them. Names are compared without regard to case.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/links/snapshots.h"

namespace holdfast::qmgr {

// ASCII letters in lower case; other bytes as they are.
std::string lower_case(std::string_view text);

class AliasTable {
  public:
    AliasTable() = default;
    explicit AliasTable(links::AliasSnapshot snapshot);

    // nullptr where `name`, in whatever case, is no alias. Valid while the table is.
    const links::Alias* find(std::string_view name) const;

    std::size_t size() const { return aliases_.size(); }

  private:
    std::vector<links::Alias> aliases_;  // sorted by name
};

}  // namespace holdfast::qmgr
