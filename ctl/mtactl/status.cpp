// mtactl status.
#include <algorithm>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/certificate_view.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"
#include "ctl/mtactl/status_view.h"

namespace holdfast::mtactl {

namespace {

void measure_rooms(StatusFacts& facts, MemoryKind kind) {
    facts.memory_kind = kind;
    facts.memory.clear();
    for (const links::RoomStatus& room : facts.overview.daemon.rooms) {
        facts.memory.push_back(memory_of(room.pid, kind));
    }
}

// The daemon knows the uids of its rooms; of an mda, only that process itself and the kernel.
std::optional<std::uint64_t> room_uid(const links::RoomStatus& room) {
    return room.room == links::room_name(links::Room::mda) ? uid_of(room.pid) : room.uid;
}

// One measure for all of them: the fairer one where this user may take it everywhere.
StatusFacts measured(links::Overview overview) {
    StatusFacts facts;
    facts.overview = std::move(overview);
    facts.now = real_clock().wall();
    for (const links::RoomStatus& room : facts.overview.daemon.rooms) {
        facts.uids.push_back(room_uid(room));
    }
    measure_rooms(facts, MemoryKind::pss);
    const bool all = std::ranges::all_of(facts.memory, [](const auto& m) { return m.has_value(); });
    if (!all) measure_rooms(facts, MemoryKind::rss);
    return facts;
}

}  // namespace

int StatusCommand::run(const Site& site, Form form) const {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return conclude_failure(form, daemon.error());
    auto overview = daemon->status();
    if (!overview) return conclude_failure(form, overview.error());
    const StatusFacts facts = measured(std::move(*overview));
    const std::string text = form == Form::json ? status_json(facts) : status_text(facts);
    if (!print(STDOUT_FILENO, text)) return EX_IOERR;
    const auto warnings = expiry_warnings(facts.overview.daemon.certificates, facts.now);
    for (const std::string& warning : warnings) complain("mtactl", warning);
    return warnings.empty() ? EX_OK : exit_expires_soon;
}

}  // namespace holdfast::mtactl
