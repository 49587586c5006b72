// What the parent leaves to the program that takes its place in the same process: everything that
// it holds. The descriptors among the members cross the exec under the numbers that parent/state.h
// writes down. These structs cross versions: members are only appended, and a successor that meets
// less than it knows fills in the defaults.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/message_id.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::links {

struct ProcessState {
    std::int32_t pid = 0;
    UniqueFd pidfd;
    UniqueFd channel;          // none: it has ended, and the process is about to
    std::int64_t started = 0;  // monotonic clock, nanoseconds
};

struct RoomState {
    std::string room;
    std::uint8_t state = 0;  // Resident::State
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t restarts = 0;
    UniqueFd snapshot;
    ProcessState process;  // pid 0: it is down
};

struct ProgramState {
    std::string name;
    std::string path;
    UniqueFd file;
};

// One of a set, as parent/certificates.h has it.
struct CertificateState {
    CertificatePlan plan;
    UniqueFd chain;
    UniqueFd key;
    std::string public_key;
    LoadedCertificate facts;
};

struct CertificatesState {
    std::uint64_t set = 0;  // 0: none is in use
    std::uint64_t last_set = 0;
    std::vector<CertificateState> certificates;
    std::vector<std::uint64_t> retired;  // handshakes may be using them still
};

struct GenerationState {
    std::uint32_t number = 0;
    std::uint8_t phase = 0;  // Generation::Phase
    std::string config;
    std::vector<std::string> statements;
    std::int64_t config_loaded = 0;
    std::uint32_t patience_seconds = 0;  // of its sessions, once it drains
    std::vector<ProgramState> image;
    UniqueFd mda_snapshot;
    UniqueFd aliases;
    std::vector<RoomState> rooms;
    // The queue's token (queue_token.h).
    bool released = false;  // its qmgr does not schedule
    bool lost = false;
    std::vector<MessageId> in_hand;
    CertificatesState certificates;
    std::uint32_t drain_limit_seconds = 0;
    std::vector<std::string> relay_files;  // RelaySnapshot::files
};

struct ListenerState {
    ListenPlan plan;
    UniqueFd socket;
    bool leaving = false;  // the configuration has dropped it, and the last generation has it yet
};

struct ControlSocketState {
    UniqueFd socket;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

struct AgentState {
    std::uint32_t generation = 0;
    std::uint64_t request = 0;
    std::string user;
    bool ending = false;  // its request was given up
    ProcessState process;
};

struct WaitingAgent {
    std::uint32_t generation = 0;
    std::uint64_t request = 0;
    std::string user;
};

struct AgentsState {
    std::vector<AgentState> living;
    std::vector<WaitingAgent> waiting;
};

struct Asker {
    std::uint32_t generation = 0;
    std::uint64_t request = 0;  // of AliasesQuery
};

struct OrderState {
    std::uint8_t task = 0;  // Work::Task
    bool now = false;
    std::vector<UniqueFd> clients;
    std::vector<Asker> askers;
};

// How the last reload or restart went, for status.
struct ChangeState {
    std::string how;      // empty: there was none
    std::int64_t at = 0;  // wall clock, milliseconds since 1970
};

struct TicketKeysState {
    std::vector<std::string> keys;  // the newest first
    std::int64_t made = 0;          // that one: monotonic clock, nanoseconds
};

struct ParentState {
    std::string version;  // of the program that wrote this
    std::string config_option;
    bool foreground = false;
    std::int64_t started = 0;  // monotonic clock, nanoseconds
    std::uint32_t last_generation = 0;
    log::Form log_form = log::Form::stream;
    UniqueFd log;
    UniqueFd lock;
    ControlSocketState control;
    std::vector<ListenerState> listeners;
    std::vector<GenerationState> generations;  // oldest first; the last one serves
    AgentsState agents;
    std::vector<ProgramState> successor;  // what takes over: the image that is being tried
    OrderState order;                     // in progress
    std::vector<OrderState> waiting;      // after it
    ChangeState last_change;
    TicketKeysState ticket_keys;
    bool held_back = false;  // nobody schedules: agents of a parent that was killed may be at work
};

}  // namespace holdfast::links
