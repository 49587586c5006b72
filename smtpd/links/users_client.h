// qmgr <-> users and control <-> users: the system's user database, behind NSS. Answers may come
// in any order.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "smtpd/links/codec.h"

namespace holdfast::links {

inline constexpr std::size_t max_login = 64;  // bytes

// Whether mail is delivered to users of such names: users finds no others, the parent starts no
// agent for others, and the agent checks it once more. Not the users that the rooms run as ("_hf").
// The name becomes an argument, and a file name in the mail folder: no path, nothing hidden, and
// "alice.lock" is the lock file of alice.
constexpr bool may_get_mail(std::string_view name) {
    return !name.empty() && name.size() <= max_login && !name.starts_with("_hf") &&
           name.front() != '.' && name.front() != '-' && !name.ends_with(".lock") &&
           std::ranges::none_of(name, [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte <= ' ' || byte == 0x7f || c == '/' || c == ':';
           });
}

enum class Lookup : std::uint8_t { found, unknown, failed };  // failed: try again later
template <>
inline constexpr unsigned enum_limit<Lookup> = 3;

struct NameQuery {
    std::uint64_t request = 0;
    std::string name;
};

struct UidQuery {
    std::uint64_t request = 0;
    std::uint32_t uid = 0;
};

struct UserReply {
    std::uint64_t request = 0;
    Lookup lookup = Lookup::failed;
    std::string name;
    std::uint32_t uid = 0;
    std::string full_name;  // GECOS up to the first comma, "&" replaced by the capitalised name
    std::string home;
};

using ToUsers = std::variant<NameQuery, UidQuery>;
using FromUsers = std::variant<UserReply>;

}  // namespace holdfast::links
