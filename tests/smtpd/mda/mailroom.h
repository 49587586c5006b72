// What the tests of delivery share: a scratch mail folder, orders and messages, a reader of
// mailbox files that is not ours, and other users' processes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "queue/verdict.h"
#include "smtpd/mda/mbox.h"

namespace holdfast::mda {

// A folder of its own that goes away with everything in it.
class Scratch {
  public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    const std::string& path() const { return path_; }
    std::string at(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

constexpr uid_t alice = 4711;
constexpr uid_t mallory = 4712;
constexpr gid_t mail_group = 4713;

// The order of message `number`; its id follows from the number.
links::Deliver order_of(unsigned number);

// As it would stand in a mailbox file.
Parcel mbox_parcel(const Mbox& mbox, const links::Deliver& order, const std::string& message);

// One message into a mailbox: what came of it.
Outcome deliver(const Mbox& mbox, const links::Deliver& order, const std::string& message);

Mbox open_mbox(const std::string& folder, Duration patience = std::chrono::seconds(20));

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

// Reads a mailbox file as mboxrd, strictly: each message without its "From " line, unquoted. One
// that breaks a rule becomes "BROKEN: ...".
std::vector<std::string> messages_of(std::string_view mailbox);

// Runs `action` in a process of its own as `uid`, group `gid`; returns its exit status, or minus
// the signal that ended it. `action` must not assert.
int run_as(uid_t uid, gid_t gid, const std::function<int()>& action);
pid_t start_as(uid_t uid, gid_t gid, const std::function<int()>& action);
int wait_for(pid_t process);

// As deliver(), by a process of alice's with group mail, which leaves the outcome's text in
// `report`.
Verdict deliver_as_alice(const Scratch& folder, const links::Deliver& order);
// What the last deliver_as_alice() was told.
std::string last_text(const Scratch& folder);

}  // namespace holdfast::mda
