// The C library loads the modules of the user database (sssd's, systemd's) when it first needs
// them; a confined room may map no code any more. So they are loaded before, and nothing is asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::users {

// The services of the "passwd" lines of an nsswitch.conf(5), in order: "files", "sss". Total:
// takes what it can from any text.
std::vector<std::string> passwd_services(std::string_view nsswitch);

// Loads the modules that /etc/nsswitch.conf names. One that is missing is skipped, as the C
// library does.
void load_modules();

}  // namespace holdfast::users
