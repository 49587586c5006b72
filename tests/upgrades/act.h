// What a stand-in is to do: a case writes it into a file, one word a role. Acts that every stand-in
// knows are here; the others are its own.
#pragma once

#include <string>

namespace holdfast::upgrades {

// The word for `role` ("rehearse", "resume", a room): /run/stand-in/ROLE, or "pass" where there is
// none.
std::string act_of(const std::string& role);

// "crash", "hang"; where `act` is another word, this returns.
void misbehave(const std::string& act);

// Executes `program` with our arguments in place of this one.
[[noreturn]] void pass_on_to(const std::string& program, char** argv);

}  // namespace holdfast::upgrades
