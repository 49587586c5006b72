#include "ctl/mtactl/status_view.h"

#include "ctl/mtactl/certificate_view.h"
#include "ctl/mtactl/display.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

namespace {

std::string uptime_text(std::uint64_t seconds) {
    return short_duration(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + harmless(text);
    return out.empty() ? "nothing" : out;
}

std::string config_text(const links::StatusReply& daemon) {
    const std::string file = daemon.config.empty() ? "built-in default" : harmless(daemon.config);
    return file + ", loaded " + time_text(daemon.config_loaded);
}

// "2 and 3 finish their sessions".
std::string draining_text(const std::vector<std::uint32_t>& generations) {
    std::string text;
    for (std::size_t i = 0; i < generations.size(); ++i) {
        if (i > 0) text += i + 1 == generations.size() ? " and " : ", ";
        text += std::to_string(generations[i]);
    }
    return text + (generations.size() == 1 ? " finishes its sessions" : " finish their sessions");
}

std::string numbers_json(const std::vector<std::uint32_t>& numbers) {
    std::vector<std::string> texts;
    for (const std::uint32_t number : numbers) texts.push_back(std::to_string(number));
    return json_array(texts);
}

std::string queue_text(const links::QueueCounts& counts) {
    if (!counts.known) return "unknown";
    return std::to_string(counts.queued) + " queued, " + std::to_string(counts.active) +
           " active, " + std::to_string(counts.deferred) + " deferred, " +
           std::to_string(counts.quarantined) + " quarantined";
}

std::string room_title(const links::RoomStatus& room) {
    const std::string name = harmless(room.room);
    return room.detail.empty() ? name : name + " (" + harmless(room.detail) + ")";
}

std::string memory_title(MemoryKind kind) {
    return kind == MemoryKind::pss ? "PSS" : "RSS";
}

std::string memory_text(const std::optional<std::uint64_t>& bytes) {
    return bytes ? size_text(*bytes) : "-";
}

std::string uid_text(const std::optional<std::uint64_t>& uid) {
    return uid ? std::to_string(*uid) : "-";
}

std::string room_table(const StatusFacts& facts) {
    using enum Table::Align;
    Table table({left, right, right, right, right, right, right});
    table.add(
        {"ROOM", "PID", "UID", "GENERATION", memory_title(facts.memory_kind), "UP", "RESTARTS"});
    const auto& rooms = facts.overview.daemon.rooms;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const links::RoomStatus& room = rooms[i];
        table.add({room_title(room), std::to_string(room.pid), uid_text(facts.uids.at(i)),
                   std::to_string(room.generation), memory_text(facts.memory.at(i)),
                   uptime_text(room.uptime_seconds), std::to_string(room.restarts)});
    }
    return table.text();
}

std::string number_json(const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "null";
}

std::string room_json(const StatusFacts& facts, std::size_t i) {
    const links::RoomStatus& room = facts.overview.daemon.rooms[i];
    JsonObject object;
    object.text("room", room.room);
    object.text("detail", room.detail);
    object.number("pid", room.pid);
    object.raw("uid", number_json(facts.uids.at(i)));
    object.number("generation", room.generation);
    object.number("restarts", room.restarts);
    object.number("uptime_seconds", room.uptime_seconds);
    object.raw("memory_bytes", number_json(facts.memory.at(i)));
    return object.json();
}

std::string queue_json(const links::QueueCounts& counts) {
    JsonObject object;
    object.number("queued", counts.queued);
    object.number("active", counts.active);
    object.number("deferred", counts.deferred);
    object.number("quarantined", counts.quarantined);
    object.flag("known", counts.known);
    object.flag("accepting", counts.accepting);
    object.text("trouble", counts.trouble);
    return object.json();
}

std::string certificate_part(const StatusFacts& facts) {
    const links::StatusReply& daemon = facts.overview.daemon;
    if (daemon.certificates.empty()) return {};
    const std::string table = "\n" + certificate_table(daemon.certificates, facts.now);
    if (daemon.certificates_left_out == 0) return table;
    return table + "and " + std::to_string(daemon.certificates_left_out) + " that expire later\n";
}

}  // namespace

std::string status_text(const StatusFacts& facts) {
    const links::StatusReply& daemon = facts.overview.daemon;
    const links::QueueCounts& counts = facts.overview.queue;
    using enum Table::Align;
    Table lines({left, left});
    lines.add({"smtpd", "Holdfast " + harmless(daemon.version) + ", generation " +
                            std::to_string(daemon.generation) + ", up " +
                            uptime_text(daemon.uptime_seconds)});
    lines.add({"configuration", config_text(daemon)});
    if (!daemon.last_change.empty()) {
        lines.add({"last change",
                   harmless(daemon.last_change) + ", " + time_text(daemon.last_change_at)});
    }
    if (!daemon.draining.empty()) {
        lines.add({"older generations", draining_text(daemon.draining)});
    }
    lines.add({"listening on", joined(daemon.listeners)});
    if (!daemon.privileged) {
        lines.add({"privileges", "none: started by an ordinary user, all rooms run as that user"});
    }
    lines.add({"queue", queue_text(counts)});
    if (!counts.accepting || !counts.trouble.empty()) {
        lines.add({"trouble",
                   (counts.accepting ? "" : "no mail is accepted: ") + harmless(counts.trouble)});
    }
    return lines.text() + "\n" + room_table(facts) + certificate_part(facts);
}

std::string status_json(const StatusFacts& facts) {
    const links::StatusReply& daemon = facts.overview.daemon;
    std::vector<std::string> rooms;
    rooms.reserve(daemon.rooms.size());
    for (std::size_t i = 0; i < daemon.rooms.size(); ++i) {
        rooms.push_back(room_json(facts, i));
    }
    JsonObject object;
    object.text("version", daemon.version);
    object.number("generation", daemon.generation);
    object.number("uptime_seconds", daemon.uptime_seconds);
    object.text("config", daemon.config);
    object.text("config_loaded", time_text(daemon.config_loaded));
    object.text("last_change", daemon.last_change);
    object.text("last_change_at",
                daemon.last_change.empty() ? "" : time_text(daemon.last_change_at));
    object.raw("draining", numbers_json(daemon.draining));
    object.flag("privileged", daemon.privileged);
    object.raw("listeners", json_strings(daemon.listeners));
    object.raw("queue", queue_json(facts.overview.queue));
    object.raw("certificates", certificates_json(daemon.certificates, facts.now));
    object.number("certificates_left_out", daemon.certificates_left_out);
    object.text("memory_kind", facts.memory_kind == MemoryKind::pss ? "pss" : "rss");
    object.raw("rooms", json_array(rooms));
    return object.json() + "\n";
}

}  // namespace holdfast::mtactl
