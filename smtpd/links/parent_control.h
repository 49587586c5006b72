// parent <-> control: requests of mtactl. The client's own socket goes with whatever needs
// privilege; the parent asks the kernel who is at its other end.
#pragma once

#include <vector>

#include "smtpd/links/certificate_status.h"
#include "smtpd/links/parent_room.h"

namespace holdfast::links {

struct StatusQuery {
    std::uint64_t request = 0;
};

struct RoomStatus {
    std::string room;    // its name: a parent may know rooms that an older control does not
    std::string detail;  // of an mda: the user; else empty
    std::int32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint32_t generation = 0;
    std::uint32_t restarts = 0;        // since the daemon started
    std::uint64_t uptime_seconds = 0;  // of this process
};

struct StatusReply {
    std::uint64_t request = 0;
    std::string version;
    std::uint32_t generation = 0;
    std::uint64_t uptime_seconds = 0;
    std::string config;              // path of smtpd.conf, or empty: the built-in default
    std::int64_t config_loaded = 0;  // wall clock, milliseconds since 1970
    bool privileged = false;
    std::vector<RoomStatus> rooms;
    std::vector<std::string> listeners;
    std::vector<std::uint32_t> draining;  // older generations that have not ended yet
    std::string last_change;              // how the last reload or restart went; empty: none yet
    std::int64_t last_change_at = 0;      // wall clock, milliseconds since 1970
    // Those that expire first where there are many; so many more are left out.
    std::vector<CertificateStatus> certificates;
    std::uint32_t certificates_left_out = 0;
};

// Read the alias files again. Anyone may ask: the files are the admin's.
struct AliasesQuery {
    std::uint64_t request = 0;
};

// How that went: a sysexits status and one line (empty where all is well); in front of it what the
// probe complained of, in lines of its own.
struct Done {
    std::uint64_t request = 0;
    std::uint8_t status = 0;
    std::string text;
};

// What an administrator may ask of the parent: root only.
enum class Order : std::uint8_t { stop, reload, restart, reload_certs };
template <>
inline constexpr unsigned enum_limit<Order> = 4;

// The client's own socket goes to the parent, which answers there (control_client.h: Progress and
// Answer) and closes it: the answer outlives this control, whose generation may end meanwhile.
struct AdminOrder {
    Order order = Order::stop;
    bool now = false;  // cut short what would be finished first
    UniqueFd client;
};

using ParentToControl = std::variant<Start, Peer, Listener, Go, Drain, StatusReply, Done, NewLog>;
using ControlToParent = std::variant<Ready, Malformed, StatusQuery, AliasesQuery, LogLost,
                                     AdminOrder, Serving, NotAccepting>;

}  // namespace holdfast::links
