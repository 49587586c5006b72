// What makes this process the one instance of its machine: the run directory, the lock in it, and
// the control socket, whose path is never without a listener while the instance lives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/handover.h"

namespace holdfast {

// Makes `path` (mode 0755, ours) where it is missing; fails where it is not a directory or
// belongs to somebody else.
Status make_run_directory(const std::string& path);

// Opens `path`, a file for us alone, and locks it without waiting: `kind` is LOCK_SH or LOCK_EX.
// Fails with EWOULDBLOCK where that is not possible now.
Result<UniqueFd> open_lock(const std::string& path, int kind);

// Takes the lock that says who owns the instance; fails with EWOULDBLOCK and the owner's pid in
// the text where another smtpd holds it. Held as long as the descriptor is open.
Result<UniqueFd> lock_instance(const std::string& path);

class ControlSocket {
  public:
    // Binds under a temporary name, sets the mode, listens, and only then renames it over `path`:
    // a client finds the old listener or the new one, never none.
    static Result<ControlSocket> publish(const std::string& path);

    // What an earlier program in this process has published.
    static ControlSocket adopt(std::string path, links::ControlSocketState state);
    links::ControlSocketState leave() const;

    // For a process that comes after this one: which socket it is, as a text of up to 60 bytes.
    // Nothing where `text` is no such text, or `socket` not what it names, or where the path leads
    // elsewhere.
    std::string text() const;
    static std::optional<ControlSocket> recognise(std::string path, std::string_view text,
                                                  UniqueFd socket);

    int socket() const { return socket_.get(); }
    // Whether the path leads here.
    bool is_published() const;

    // For a clean stop: removes the path if it is still the socket that was published here.
    void withdraw();

  private:
    ControlSocket(std::string path, UniqueFd socket, dev_t device, ino_t inode)
        : path_(std::move(path)), socket_(std::move(socket)), device_(device), inode_(inode) {}

    std::string path_;
    UniqueFd socket_;
    dev_t device_;
    ino_t inode_;
};

}  // namespace holdfast
