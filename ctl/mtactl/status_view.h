// The daemon's state as text and as JSON. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ctl/mtactl/process.h"
#include "smtpd/base/clock.h"
#include "smtpd/links/control_client.h"

namespace holdfast::mtactl {

struct StatusFacts {
    links::Overview overview;
    WallTime now;
    // All below is of overview.daemon.rooms, in their order.
    std::vector<std::optional<std::uint64_t>> uids;
    // Of one kind, so that they can be compared.
    MemoryKind memory_kind = MemoryKind::pss;
    std::vector<std::optional<std::uint64_t>> memory;
};

std::string status_text(const StatusFacts& facts);
std::string status_json(const StatusFacts& facts);

}  // namespace holdfast::mtactl
