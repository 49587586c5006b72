// The lock file beside a mailbox, "alice.lock", which mail programs create to keep others out.
//
// Ours cannot outlive its owner (F56): it is held by flock() as long as the process lives, and
// an agent that finds it unheld takes it over at once. Its mode, which no other program uses,
// tells ours from the first moment; the pid inside is for mail programs that look for it. It also
// is the journal of an append: whoever takes it over from a dead agent can undo what that one left
// half-written and never reported.
//
// Another program's lock file is honoured for five minutes, as those programs do among themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::mda {

// An append under way: the mailbox (its inode number) grows from `begin` to `end` bytes.
struct AppendRecord {
    std::uint64_t inode = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool operator==(const AppendRecord&) const = default;
};

// The text of a lock file: a line with the pid, a line with the boot and the append.
std::string lock_text(pid_t owner, std::string_view boot,
                      const std::optional<AppendRecord>& append);

// The append that a dead owner left. Nothing where there was none, or it was made in another boot:
// what lay on the disk then may have been reported since.
std::optional<AppendRecord> parse_lock(std::string_view text, std::string_view boot);

// What names this run of the machine; empty where it can't be told. To be read once, before the
// process is confined.
std::string boot_id();

class DotLock {
  public:
    struct Place {
        int folder = -1;   // open directory, the caller's
        std::string name;  // "alice.lock"
        std::string boot;
    };

    // One attempt, without waiting. Nothing: another holds it. Fails where the lock file can be
    // neither made nor judged.
    static Result<std::optional<DotLock>> try_take(const Place& place);

    DotLock(DotLock&& other) noexcept;
    DotLock& operator=(DotLock&&) = delete;
    ~DotLock();  // removes the file

    // The append that the owner before us died in.
    const std::optional<AppendRecord>& inherited() const { return inherited_; }

    // To be called before an append, so that a successor can undo it.
    Status record(const std::optional<AppendRecord>& append);

  private:
    DotLock(Place place, UniqueFd file) : place_(std::move(place)), file_(std::move(file)) {}

    static Status break_old(const Place& place);
    bool in_place() const;

    Place place_;
    UniqueFd file_;
    std::optional<AppendRecord> inherited_;
};

}  // namespace holdfast::mda
