// What a reload has changed, for the administrator who asked for it.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

// The statements of smtpd.conf that are gone ("- listen *:25") and, in the order of the file, those
// that are new ("+ listen 127.0.0.1:25"). Their order alone is no change.
std::vector<std::string> statement_changes(const std::vector<std::string>& before,
                                           const std::vector<std::string>& after);

}  // namespace holdfast
