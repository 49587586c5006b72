// The command line. The only file that knows CLI11.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "ctl/mtactl/command.h"

namespace holdfast::mtactl {

// Nothing to do but to print this: help or version (status 0), or what is wrong (64).
struct Notice {
    int status = 0;
    std::string text;  // ends with a line end
};

// `arguments` without the program's name.
std::expected<Invocation, Notice> parse_options(std::span<const char* const> arguments);

}  // namespace holdfast::mtactl
