// What a command prints: standard output for what was asked for, one line on standard error where
// it failed. For programs (Form::json) standard output is JSON in either case.
#pragma once

#include <string>

#include "ctl/client/outcome.h"
#include "ctl/mtactl/command.h"

namespace holdfast::mtactl {

// {"ok":...,"status":...,"text":...}, the JSON form of a command that just succeeds or fails.
std::string verdict_json(const Attempt<std::string>& verdict);

// Prints the end of a command whose output is a verdict: in text form, `verdict`'s words where it
// has any. Returns the exit status.
int conclude(Form form, const Attempt<std::string>& verdict);

// Prints a failure of a command that prints more than a verdict. Returns the exit status.
int conclude_failure(Form form, const Failure& failure);

}  // namespace holdfast::mtactl
