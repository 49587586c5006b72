// The command line of smtpd(8).
#pragma once

#include <string>

#include "smtpd/base/error.h"
#include "smtpd/parent/resumption.h"

namespace holdfast {

struct Options {
    enum class Task : std::uint8_t {
        serve,
        check,
        version,
        help,
        // Only one smtpd asks these of another, with its state on descriptor 3.
        rehearse,
        resume,
    };
    Task task = Task::serve;
    bool foreground = false;  // -d
    std::string config;       // -f; empty: the default path
    Resumption resumption;
};

// The error's text is for standard error, ready to print.
Result<Options> parse_options(int argc, char** argv);

inline constexpr const char* usage = "usage: smtpd [-dhnV] [-f file]\n";

// The usage, and each option in a line.
std::string help_text();

}  // namespace holdfast
