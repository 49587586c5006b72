// The only speller of the names in the spool. holdfast-queue(5) says what each of them means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"

namespace holdfast::queue {

// The folders of the spool. All but drop/ are private to the queue's user.
enum class Folder : std::uint8_t { tmp, queue, seen, quarantine, drop };

const char* folder_name(Folder folder);

// 0700; drop/ is 03733: anyone leaves a file, nobody else lists or takes it, and the set-gid bit
// stamps each file with our group.
mode_t folder_mode(Folder folder);

// What the one scheduler holds an flock on, in the spool itself (handover).
inline constexpr const char* lock_name = "lock";
// What every process that may commit holds a shared flock on, from its start to its end.
inline constexpr const char* committers_name = "committers";

// queue/<id>: a committed message.
inline std::string message_name(const MessageId& id) {
    return id.text();
}
// Also of drop/.
inline std::optional<MessageId> parse_message_name(std::string_view name) {
    return MessageId::parse(name);
}

// tmp/<id>.<writer>.<number>: a message being written. Two writers of one id never meet.
std::string draft_name(const MessageId& id, std::uint64_t writer, std::uint64_t number);

// seen/<yyyy-mm-dd>: the submissions that were finished on that day (UTC).
std::string seen_name(WallTime day);
bool is_seen_name(std::string_view name);

// drop/<id>: a whole submission; drop/<id>.tmp while sendmail writes it.
inline std::string drop_name(const MessageId& id) {
    return id.text();
}
inline constexpr std::string_view drop_draft_suffix = ".tmp";

// quarantine/<name>, with .1, .2 ... behind it where that is taken; drop files as drop-<name>.
std::string quarantine_name(Folder from, std::string_view name, unsigned attempt);

}  // namespace holdfast::queue
