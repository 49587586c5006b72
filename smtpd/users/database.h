// The system's user database as NSS shows it: files, LDAP, whatever the administrator has set up.
// A call may take as long as a server far away does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include <pwd.h>

#include "smtpd/links/users_client.h"

namespace holdfast::users {

using Query = std::variant<links::NameQuery, links::UidQuery>;

// Answers one query; called from several threads at once. The real one is ask_system().
using Database = std::function<links::UserReply(const Query&)>;

links::UserReply ask_system(const Query& query);

// The reply to what getpwnam_r() or getpwuid_r() has said: `code` is its result, `entry` is null
// where it found nothing. Only a clean "no" is Lookup::unknown: an errno is a database that could
// not answer, and a user who exists must not be taken for unknown.
links::UserReply reply_from(const passwd* entry, int code);

// The answer to a name, for which there is mail: a user who may get none is unknown.
links::UserReply recipient(links::UserReply reply);

// The person's name from GECOS: up to the first comma, "&" replaced by the capitalised login,
// without control bytes; at most 256 bytes, of any encoding.
std::string full_name(std::string_view gecos, std::string_view login);

}  // namespace holdfast::users
