// What a command prints: standard output for what was asked for, one line on standard error where
// it failed. For programs (Form::json) standard output is JSON in either case.
#pragma once

#include <string>
#include <string_view>

#include "ctl/mtactl/command.h"
#include "ctl/mtactl/outcome.h"

namespace holdfast::mtactl {

// Writes all of it; false where that failed (a full disk, a reader that has gone).
bool print(std::string_view text);
bool print_error(std::string_view line);
// Lines that are ours from end to end, on standard error.
bool print_usage(std::string_view text);

// {"ok":...,"status":...,"text":...}, the JSON form of a command that just succeeds or fails.
std::string verdict_json(const Attempt<std::string>& verdict);

// Prints the end of a command whose output is a verdict: in text form, `verdict`'s words where it
// has any. Returns the exit status.
int conclude(Form form, const Attempt<std::string>& verdict);

// Prints a failure of a command that prints more than a verdict. Returns the exit status.
int conclude_failure(Form form, const Failure& failure);

}  // namespace holdfast::mtactl
