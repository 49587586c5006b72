#include "smtpd/users/database.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace holdfast::users {

namespace {

constexpr std::size_t max_full_name = 256;
constexpr std::size_t max_home = 4096;
constexpr std::size_t max_entry = 1 << 20;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string capitalised(std::string_view login) {
    std::string name(login);
    if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') {
        name[0] = static_cast<char>(name[0] - 'a' + 'A');
    }
    return name;
}

// `call` is getpwnam_r or getpwuid_r with its key bound. An entry may need any size.
template <class Call>
links::UserReply look_up(const Call& call) {
    std::vector<char> buffer(2048);
    passwd entry{};
    passwd* found = nullptr;
    int code = 0;
    while ((code = call(&entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
           buffer.size() < max_entry) {
        buffer.resize(buffer.size() * 4);
    }
    return reply_from(found, code);
}

std::string_view text_or_empty(const char* text) {
    return text == nullptr ? std::string_view() : std::string_view(text);
}

// Names that no submission can be signed with.
bool may_be_login(std::string_view name) {
    return !name.empty() && name.size() <= links::max_login &&
           std::ranges::none_of(name, [](char c) { return is_control(c) || c == ':' || c == '/'; });
}

}  // namespace

std::string full_name(std::string_view gecos, std::string_view login) {
    std::string name;
    for (const char c : gecos.substr(0, gecos.find(','))) {
        if (c == '&') {
            name += capitalised(login);
        } else if (!is_control(c)) {
            name.push_back(c);
        }
        if (name.size() > max_full_name) break;
    }
    std::erase_if(name, is_control);  // the login's own
    name.resize(std::min(name.size(), max_full_name));
    return name;
}

links::UserReply reply_from(const passwd* entry, int code) {
    links::UserReply reply;
    if (entry == nullptr) {
        reply.lookup = code == 0 ? links::Lookup::unknown : links::Lookup::failed;
        return reply;
    }
    const std::string_view login = text_or_empty(entry->pw_name);
    const std::string_view home = text_or_empty(entry->pw_dir);
    // An entry that can't be used is a fault of the database, not a user who does not exist.
    if (!may_be_login(login) || home.size() > max_home) return reply;
    reply.lookup = links::Lookup::found;
    reply.name = login;
    reply.uid = entry->pw_uid;
    reply.full_name = full_name(text_or_empty(entry->pw_gecos), login);
    reply.home = home;
    return reply;
}

// By the database's spelling, which may not mind the case of what it was asked.
links::UserReply recipient(links::UserReply reply) {
    const bool refused = reply.lookup == links::Lookup::found && !links::may_get_mail(reply.name);
    if (refused) return reply_from(nullptr, 0);
    return reply;
}

links::UserReply ask_system(const Query& query) {
    if (const auto* by_uid = std::get_if<links::UidQuery>(&query)) {
        return look_up([&](auto... rest) { return getpwuid_r(by_uid->uid, rest...); });
    }
    const std::string& name = std::get<links::NameQuery>(query).name;
    if (!links::may_get_mail(name)) return reply_from(nullptr, 0);
    return recipient(look_up([&](auto... rest) { return getpwnam_r(name.c_str(), rest...); }));
}

}  // namespace holdfast::users
