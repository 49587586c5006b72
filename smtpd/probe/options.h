// The probe's command line:
//
//     probe [-f FILE] [--json]          hands the plan over on descriptor 3 (smtpd)
//     probe [-f FILE] [--json] check    says whether the configuration is good (mtactl, smtpd -n)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace holdfast::probe {

enum class Task : std::uint8_t { plan, check };
enum class Form : std::uint8_t { text, json };

struct Options {
    Task task = Task::plan;
    Form form = Form::text;
    std::string file;  // empty: the default path, which may be missing
};

// Nothing for any other command line.
std::optional<Options> parse_options(std::span<const char* const> arguments);

}  // namespace holdfast::probe
