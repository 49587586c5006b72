// The run directory and what makes this process findable there: the instance lock and the control
// socket. Who wipes it (a clean-up of /run, a mistyped rm) cuts nobody off for longer than it
// takes to notice: what is missing is put back.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "smtpd/loop/folder_watch.h"
#include "smtpd/loop/watch.h"
#include "smtpd/parent/instance.h"

namespace holdfast {

class RunDirectory {
  public:
    struct Paths {
        std::string folder;
        std::string lock;
        std::string control;
        std::string empty;  // a folder with nothing in it
    };

    // `lock` is the instance's. `on_republished`: the control socket is another one from now on;
    // who has listened on the one before should listen on both.
    RunDirectory(Loop& loop, Paths paths, UniqueFd lock, std::function<void()> on_republished);

    // Makes the control socket, once, and watches over all of it from then on.
    Status publish();
    // Of publish(), or adopted.
    int control_socket() const { return control_->socket(); }

    // For a successor in this process.
    const UniqueFd& lock() const { return lock_; }
    links::ControlSocketState leave() const { return control_->leave(); }
    void adopt(links::ControlSocketState state);
    // For a process that comes after this one: ControlSocket::text(). False where `socket` is not
    // the one that it names, at its path.
    std::string control_text() const { return control_->text(); }
    bool use_kept(std::string_view text, UniqueFd socket);

    // For a clean stop: the control socket's path goes, if it is ours.
    void withdraw();

  private:
    void watch();
    void mend();
    Status put_back();

    Loop& loop_;
    Paths paths_;
    UniqueFd lock_;
    std::function<void()> on_republished_;
    std::optional<ControlSocket> control_;
    std::unique_ptr<FolderWatch> watch_;
    Timer timer_;
};

}  // namespace holdfast
