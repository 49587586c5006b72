// A line of smtpd.conf as it may be shown: a password that somebody wrote into it, where the
// path of its file belongs, must not reach a terminal or a log together with what is said about
// the line. Pure, total, linear.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::config {

// The line with stars for what may be a secret: whatever follows `secret` without `file:`, or
// `password` and the like, or a `token` that is not followed by an option; and the user and
// password in front of the host of a URL. It hides too much rather than too little. What is left
// stands in the columns where it stood.
std::string without_secrets(std::string_view line);

}  // namespace holdfast::config
