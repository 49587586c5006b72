#include "queue/layout.h"

#include <algorithm>
#include <array>
#include <cstdio>
namespace holdfast::queue {

const char* folder_name(Folder folder) {
    constexpr std::array names{"tmp", "queue", "seen", "quarantine", "drop"};
    return names.at(static_cast<std::size_t>(folder));
}

mode_t folder_mode(Folder folder) {
    return folder == Folder::drop ? 03733 : 0700;
}

std::string draft_name(const MessageId& id, std::uint64_t writer, std::uint64_t number) {
    std::array<char, 48> tail{};
    std::snprintf(tail.data(), tail.size(), ".%016llx.%llu",
                  static_cast<unsigned long long>(writer), static_cast<unsigned long long>(number));
    return id.text() + tail.data();
}

std::string seen_name(WallTime day) {
    return rfc3339_time(day).substr(0, 10);
}

bool is_seen_name(std::string_view name) {
    constexpr std::string_view form = "0000-00-00";
    return std::ranges::equal(name, form, [](char c, char wanted) {
        return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
    });
}

std::string quarantine_name(Folder from, std::string_view name, unsigned attempt) {
    std::string result = from == Folder::drop ? "drop-" : "";
    // A name in drop/ may be as long as names get; the end of one that is no id tells little.
    result.append(name.substr(0, 200));
    if (attempt != 0) result.append(".").append(std::to_string(attempt));
    return result;
}

}  // namespace holdfast::queue
