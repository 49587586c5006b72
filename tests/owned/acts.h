// What an attacker who runs code inside a room would try next. Each act reports whether it worked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace holdfast::owned {

struct Victim {
    pid_t pid = 0;         // another process of the house
    std::string spool;     // as seen from here
    std::string own_tree;  // where this room may write, or empty
    std::string key = {};  // the path of a private key, which root may read
};

struct ActResult {
    std::string_view act;
    bool worked = false;
    int error = 0;  // errno where it did not
};

// Performs every act, each without lasting effect on this process where it fails.
std::vector<ActResult> perform_acts(const Victim& victim);

}  // namespace holdfast::owned
