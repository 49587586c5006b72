// A local client (sendmail, mtactl) <-> control, over the control socket (SOCK_SEQPACKET).
//
// A submission is Submit, SubmitRecipients+, SubmitBytes*, SubmitEnd, and one Answer. The same
// packets, each with its length in front, are a file of drop/. The client sends nothing before it
// has read all of its input. The Answer may come early; the client waits for it before it begins
// anything else on the connection. A connection that closes without an Answer says that nobody
// knows what became of the submission: try again with the same id. These structs outlive an
// upgrade: decoded with Tail::skip.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "smtpd/links/control_qmgr.h"
#include "smtpd/links/parent_control.h"

namespace holdfast::links {

struct Submit {
    MessageId id;                 // the submission's: a repeat with the same id is the same mail
    bool sender_given = false;    // -f or -r
    std::string sender;           // as given; empty with sender_given is the null sender
    std::string full_name;        // -F; empty: from the user database
    bool complete_header = true;  // false: -G, a gateway: add and qualify nothing
    std::uint32_t hops = 0;       // -h
    std::uint8_t notify = notify_default;
    Return ret = Return::unspecified;
    std::string envid;
    std::uint64_t length = 0;  // of header and body: what SubmitBytes will bring
    bool eight_bit = false;    // -B8BITMIME: declared; the bytes decide where it was not
    // -t: pieces that named nobody, for a notice; the first few.
    std::vector<std::string> unreadable;
};

// Addresses without brackets, perhaps without a domain; parsed by the client, checked again here.
struct SubmitRecipients {
    std::vector<std::string> recipients;
};

// The message: header without Bcc, blank line, body; LF line ends; at most max_chunk bytes each.
struct SubmitBytes {
    std::string bytes;
};

struct SubmitEnd {};

// How a submission or a request ended: a sysexits status and one line (empty where all is well).
// 0 after SubmitEnd: the mail is on disk. After a request that has configuration read, what is
// wrong with it, and where, comes in lines of its own in front of the last one.
struct Answer {
    std::uint8_t status = 0;
    std::string text;
};

// Requests of mtactl. Each ends with one Answer, which also is a refusal; before it come:
// StatusRequest: Overview. ListRequest: ListItems*. ShowRequest: Text*. The others: nothing.
struct StatusRequest {};
struct Overview {
    StatusReply daemon;
    QueueCounts queue;
};
struct ListRequest {};
struct ShowRequest {
    MessageId id;
};
struct RemoveRequest {
    std::vector<MessageId> ids;
};
struct FlushRequest {
    std::vector<MessageId> ids;  // none: all
};
struct AliasesRequest {};
// What the parent does. Before the Answer come, for some: Progress*, Outcome.
struct OrderRequest {
    Order order = Order::stop;
    bool now = false;
};

// What is being waited for, for whoever watches.
struct Progress {
    std::string text;
};

// What a reload or restart has changed.
struct Outcome {
    std::uint32_t generation = 0;
    std::string version;
    std::vector<std::string> changes;  // a line each, for people
};

// After reload_certs: some of the certificates that are in use now; others may follow.
struct Certificates {
    std::vector<CertificateStatus> certificates;
};

using ClientToControl =
    std::variant<Submit, SubmitRecipients, SubmitBytes, SubmitEnd, StatusRequest, ListRequest,
                 ShowRequest, RemoveRequest, FlushRequest, AliasesRequest, OrderRequest>;
using ControlToClient =
    std::variant<Answer, Overview, ListItems, Text, Progress, Outcome, Certificates>;

}  // namespace holdfast::links
