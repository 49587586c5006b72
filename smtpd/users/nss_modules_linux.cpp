#include <algorithm>
#include <fstream>
#include <iterator>

#include <dlfcn.h>

#include "smtpd/users/nss_modules.h"

namespace holdfast::users {

namespace {

constexpr std::size_t max_services = 16;

// A service is part of a file name: nothing in it may lead elsewhere.
bool is_service(std::string_view word) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return word.size() <= 64 && word.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view take_word(std::string_view& text) {
    constexpr std::string_view blank = " \t\r";
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blank));
    text.remove_prefix(word.size());
    return word;
}

// Actions such as [NOTFOUND=return] stand between services and may hold blanks.
void append_services(std::vector<std::string>& services, std::string_view list) {
    bool in_action = false;
    while (services.size() < max_services) {
        const std::string_view word = take_word(list);
        if (word.empty()) return;
        if (!in_action && is_service(word)) services.emplace_back(word);
        if (word.find('[') != std::string_view::npos) in_action = true;
        if (word.find(']') != std::string_view::npos) in_action = false;
    }
}

}  // namespace

std::vector<std::string> passwd_services(std::string_view nsswitch) {
    std::vector<std::string> services;
    while (!nsswitch.empty()) {
        std::string_view line = nsswitch.substr(0, nsswitch.find('\n'));
        nsswitch.remove_prefix(std::min(line.size() + 1, nsswitch.size()));
        line = line.substr(0, line.find('#'));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        std::string_view name = line.substr(0, colon);
        const std::string_view database = take_word(name);
        if (database != "passwd" && database != "passwd_compat") continue;
        append_services(services, line.substr(colon + 1));
    }
    return services;
}

void load_modules() {
    std::ifstream file("/etc/nsswitch.conf", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const std::string& service : passwd_services(text)) {
        // Kept for the life of the process: the C library finds it by its name.
        static_cast<void>(dlopen(("libnss_" + service + ".so.2").c_str(), RTLD_NOW));
    }
}

}  // namespace holdfast::users
