// The mailbox file itself: found or made without trusting anything about the folder it stands in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::mda {

class MailboxFile {
  public:
    struct Place {
        int folder = -1;   // open directory, the caller's
        std::string name;  // one component
        std::string path;  // for messages
    };

    // Opens the file, or creates it with mode 0600. Follows no link, waits for no FIFO. Fails with
    // a text that says what stands there and what to do about it.
    static Result<MailboxFile> open(const Place& place);

    // Takes the fcntl() lock. False: another process has it.
    Result<bool> try_lock() const;

    // To be called under the locks: fails where the file has become something that must not be
    // written; false where another file has taken its place (a mail program replaced it).
    Result<bool> in_place(const Place& place) const;

    int fd() const { return file_.get(); }

  private:
    explicit MailboxFile(UniqueFd file) : file_(std::move(file)) {}

    UniqueFd file_;
};

}  // namespace holdfast::mda
