#include "queue/layout.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "smtpd/base/panic.h"

namespace holdfast::queue {

namespace {

constexpr std::string_view draft_suffix = ".tmp";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

const char* folder_name(Folder folder) {
    switch (folder) {
        case Folder::tmp:
            return "tmp";
        case Folder::queue:
            return "queue";
        case Folder::seen:
            return "seen";
        case Folder::quarantine:
            return "quarantine";
        case Folder::drop:
            return "drop";
    }
    panic("a folder that the spool does not have");
}

mode_t folder_mode(Folder folder) {
    return folder == Folder::drop ? 03733 : 0700;
}

std::string message_name(const MessageId& id) {
    return id.text();
}

std::optional<MessageId> parse_message_name(std::string_view name) {
    return MessageId::parse(name);
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
    return name.size() == form.size() &&
           std::equal(name.begin(), name.end(), form.begin(),
                      [](char c, char f) { return f == '0' ? is_digit(c) : c == f; });
}

std::string drop_name(const MessageId& id) {
    return id.text();
}

std::string drop_draft_name(const MessageId& id) {
    return id.text().append(draft_suffix);
}

bool is_drop_draft_name(std::string_view name) {
    return name.ends_with(draft_suffix);
}

std::optional<MessageId> parse_drop_name(std::string_view name) {
    return MessageId::parse(name);
}

std::string quarantine_name(Folder from, std::string_view name, unsigned attempt) {
    std::string result = from == Folder::drop ? "drop-" : "";
    // A name in drop/ may be as long as names get; the end of one that is no id tells little.
    result.append(name.substr(0, 200));
    if (attempt != 0) result.append(".").append(std::to_string(attempt));
    return result;
}

}  // namespace holdfast::queue
