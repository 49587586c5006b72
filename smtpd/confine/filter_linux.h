// Builds and installs the seccomp filter of a room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/confine/confine.h"

namespace holdfast {

// A system call that is allowed: always, or where (argument & mask) == value. The low 32 bits of
// the argument are looked at, which is where the kernel keeps the flags that are tested here.
struct CallRule {
    int number = -1;
    int argument = -1;  // -1: always
    std::uint32_t mask = 0;
    std::uint32_t value = 0;
};

// Every call that a room with these powers may make.
std::vector<CallRule> allowed_calls(std::span<const Power> powers);

// From here on only `rules` are allowed, for this thread and those it starts. Fails with the
// errno of seccomp(2); needs no_new_privs.
Status install_filter(std::span<const CallRule> rules);

}  // namespace holdfast
