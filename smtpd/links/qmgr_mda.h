// qmgr <-> mda: bodies out, verdicts back. The agent sees neither envelope nor log.
#pragma once

#include <string>
#include <variant>

#include "queue/verdict.h"
#include "smtpd/base/message_id.h"
#include "smtpd/links/codec.h"

namespace holdfast::links {

template <>
inline constexpr unsigned enum_limit<Verdict> = 3;

// One delivery to this agent's user, followed by `length` body bytes in Bytes. Several may be
// under way: their Bytes come one job after the other.
struct Deliver {
    std::uint64_t job = 0;
    MessageId id;
    std::uint32_t recipient = 0;  // its place in the envelope: with the id, names this delivery
    std::string return_path;      // for Return-Path and "From "; empty is the null sender
    std::string delivered_to;     // for Delivered-To
    std::int64_t admitted = 0;    // wall clock, milliseconds since 1970
    bool repeated = false;        // an earlier attempt may have delivered: look first
    std::uint64_t length = 0;
};

struct Bytes {
    std::uint64_t job = 0;
    std::string bytes;  // at most max_chunk
};

// The verdict on one job. `delivered` is said only after what was written is durable.
struct Report {
    std::uint64_t job = 0;
    Outcome outcome;
};

// Body bytes that the agent has dealt with: qmgr keeps at most `window` outstanding.
struct BytesTaken {
    std::uint64_t bytes = 0;
};

using QmgrToMda = std::variant<Deliver, Bytes>;
using MdaToQmgr = std::variant<Report, BytesTaken>;

}  // namespace holdfast::links
