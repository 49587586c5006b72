// The service manager that started this process, where there is one (systemd and its like): what
// it is told, and what it keeps for the next process. Without libsystemd; the protocol is a
// datagram of lines (sd_notify(3)). Where nobody is to be told, every call does nothing.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class Loop;

class ServiceManager {
  public:
    // Messages that wait for a manager that is slow; later ones are lost.
    static constexpr std::size_t max_waiting = 256;

    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and leaves them to the next program in
    // this process: they are as true for that one. Where a watchdog is wanted, it is served from
    // here on, three times in each period.
    explicit ServiceManager(Loop& loop);

    // Nothing waits for a manager that is slow.
    bool heard_all() const { return waiting_.empty(); }
    bool present() const { return socket_.operator bool(); }

    // None of these waits: what does not leave at once leaves from the loop, in order. A status is
    // a line for people.
    void ready(std::string_view status);
    // Ended by ready(), also where the change has failed.
    void reloading(std::string_view status);
    void status(std::string_view text);
    // The process is about to end.
    void stopping(std::string_view status);

    // Keeps a descriptor for the process that comes after this one, under a name from fd_name().
    // What is kept already is not kept twice. `fd` is borrowed.
    void store(std::string_view name, int fd);
    void forget(std::string_view name);

  private:
    struct Message {
        std::string text;
        UniqueFd fd;
    };

    void say(std::string text, UniqueFd fd = UniqueFd());
    void say_what_waits();
    // Whether it has been sent, or cannot be.
    bool send(const Message& message);
    void send_failed(int code);
    void feed_watchdog();

    UniqueFd socket_;
    sockaddr_un address_{};
    socklen_t address_length_ = 0;
    std::deque<Message> waiting_;
    Timer retry_;
    std::optional<Duration> watchdog_period_;
    Timer watchdog_;
    bool deaf_ = false;  // the last message could not be sent
};

// What the manager has kept for this process.
struct InheritedFd {
    std::string name;
    UniqueFd fd;  // O_CLOEXEC, above links::parent_fd
};

// Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment, and the descriptors that
// they describe. To be called once, before any descriptor is opened or closed: they are known by
// their numbers, from 3 on.
std::vector<InheritedFd> take_inherited_fds();

// A name of a descriptor for the manager, which takes up to 255 printable ASCII characters without
// `:`: a text of up to 85 bytes always fits. "127.0.0.1:25" <-> "127.0.0.1%3A25"; nothing comes
// back from what is no such name.
std::string fd_name(std::string_view text);
std::optional<std::string> text_of_fd_name(std::string_view name);

}  // namespace holdfast
