// qmgr <-> users and control <-> users: the system's user database, behind NSS. Answers may come
// in any order.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "smtpd/links/codec.h"

namespace holdfast::links {

// The users that the rooms run as are named like this. They get no mail.
constexpr bool is_house_user(std::string_view name) {
    return name.starts_with("_hf");
}

enum class Lookup : std::uint8_t { found, unknown, failed };  // failed: try again later
template <>
inline constexpr unsigned enum_limit<Lookup> = 3;

struct NameQuery {
    std::uint64_t request = 0;
    std::string name;  // at most 64 bytes
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
