#include "smtpd/parent/notify.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

class Environment {
  public:
    Environment(const char* name, const std::string& value) : name_(name) {
        setenv(name, value.c_str(), 1);
    }
    ~Environment() { unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

  private:
    const char* name_;
};

struct Heard {
    std::string text;
    pid_t sender = 0;
    UniqueFd fd;
};

// The far end, as a service manager has it: a datagram socket that asks for the sender.
class Manager {
  public:
    explicit Manager(const std::string& name) : name_(name) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name[0] == '@') address.sun_path[0] = '\0';
        const auto length =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() +
                                   (name[0] == '@' ? std::size_t{0} : std::size_t{1}));
        const int yes = 1;
        REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0);
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    }

    const std::string& name() const { return name_; }
    int socket() const { return socket_.get(); }

    // Nothing: nobody has said anything.
    std::optional<Heard> hear() const {
        std::array<char, 2048> text{};
        alignas(cmsghdr) std::array<std::byte, 256> control{};
        iovec piece{text.data(), text.size()};
        msghdr head{};
        head.msg_iov = &piece;
        head.msg_iovlen = 1;
        head.msg_control = control.data();
        head.msg_controllen = control.size();
        const ssize_t length = recvmsg(socket_.get(), &head, MSG_CMSG_CLOEXEC);
        if (length < 0) return {};
        Heard heard{std::string(text.data(), static_cast<std::size_t>(length)), 0, UniqueFd()};
        for (cmsghdr* one = CMSG_FIRSTHDR(&head); one != nullptr; one = CMSG_NXTHDR(&head, one)) {
            if (one->cmsg_type == SCM_CREDENTIALS) {
                ucred who{};
                std::memcpy(&who, CMSG_DATA(one), sizeof who);
                heard.sender = who.pid;
            } else {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(one), sizeof fd);
                heard.fd.reset(fd);
            }
        }
        return heard;
    }

    std::string text() const {
        const auto heard = hear();
        return heard ? heard->text : "nothing";
    }

  private:
    std::string name_;
    UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
};

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/holdfast-notify-XXXXXX";
        path = mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

std::string abstract_name() {
    return "@holdfast-notify-" + std::to_string(getpid());
}

std::uint64_t cookie(int socket) {
    std::uint64_t result = 0;
    socklen_t length = sizeof result;
    getsockopt(socket, SOL_SOCKET, SO_COOKIE, &result, &length);
    return result;
}

std::int64_t monotonic_microseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::size_t queue_length() {
    std::ifstream file("/proc/sys/net/unix/max_dgram_qlen");
    std::size_t length = 10;
    file >> length;
    return length;
}

}  // namespace

TEST_CASE("the service manager hears each step from this very process") {
    const Folder folder;
    const Manager manager(GENERATE(0, 1) == 0 ? abstract_name() : folder.path + "/notify");
    const Environment environment("NOTIFY_SOCKET", manager.name());
    Loop loop;
    ServiceManager notify(loop);
    CHECK(notify.present());
    notify.ready("serving");
    const auto heard = manager.hear();
    REQUIRE(heard);
    CHECK(heard->text == "READY=1\nSTATUS=serving");
    CHECK(heard->sender == getpid());
    notify.status("generation 2");
    CHECK(manager.text() == "STATUS=generation 2");
    notify.stopping("finishing sessions");
    CHECK(manager.text() == "STOPPING=1\nSTATUS=finishing sessions");
    CHECK(manager.text() == "nothing");
    // For the next program in this process.
    CHECK(std::getenv("NOTIFY_SOCKET") == manager.name());
}

TEST_CASE("a status cannot say more than a status") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    Loop loop;
    ServiceManager notify(loop);
    notify.status("one\nSTOPPING=1\n\xff");
    CHECK(manager.text() == "STATUS=one\\nSTOPPING=1\\n\\xFF");
    notify.status(std::string(100'000, 'x'));
    CHECK(manager.text() == "STATUS=" + std::string(400, 'x'));
}

TEST_CASE("a reload says when it began, by the clock that the manager goes by") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    Loop loop;
    ServiceManager notify(loop);
    const auto before = monotonic_microseconds();
    notify.reloading("reading smtpd.conf");
    const auto after = monotonic_microseconds();
    const std::string text = manager.text();
    const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
    REQUIRE(text.starts_with(head));
    const std::int64_t said = std::stoll(text.substr(head.size()));
    CHECK(said >= before);
    CHECK(said <= after);
    CHECK(text.ends_with("\nSTATUS=reading smtpd.conf"));
}

TEST_CASE("a listener is kept by the manager under its name, and forgotten by it") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    Loop loop;
    ServiceManager notify(loop);
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    notify.store(fd_name("127.0.0.1:25"), listener.get());
    const auto heard = manager.hear();
    REQUIRE(heard);
    CHECK(heard->text == "FDSTORE=1\nFDPOLL=0\nFDNAME=127.0.0.1%3A25");
    REQUIRE(heard->fd);
    CHECK(cookie(heard->fd.get()) == cookie(listener.get()));
    notify.forget(fd_name("127.0.0.1:25"));
    CHECK(manager.text() == "FDSTOREREMOVE=1\nFDNAME=127.0.0.1%3A25");
}

TEST_CASE("a manager that does not read is not waited for, and misses nothing") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    Loop loop;
    ServiceManager notify(loop);
    const std::size_t count = queue_length() + 20;
    for (std::size_t i = 0; i < count; ++i) notify.status(std::to_string(i));
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    notify.store("last", listener.get());
    CHECK_FALSE(notify.heard_all());
    for (std::size_t i = 0; i < count; ++i) {
        auto heard = manager.hear();
        while (!heard) {
            loop.turn();
            heard = manager.hear();
        }
        REQUIRE(heard->text == "STATUS=" + std::to_string(i));
    }
    auto heard = manager.hear();
    if (!heard) {
        loop.turn();
        heard = manager.hear();
    }
    REQUIRE(heard);
    CHECK(heard->text.ends_with("FDNAME=last"));
    CHECK(notify.heard_all());
    CHECK(cookie(heard->fd.get()) == cookie(listener.get()));
}

TEST_CASE("without a service manager there is silence") {
    Loop loop;
    ServiceManager without(loop);
    CHECK_FALSE(without.present());
    without.ready("serving");
    without.store("a", STDIN_FILENO);
    const auto unusable =
        GENERATE(as<std::string>(), "", "@", "relative", "vsock:2:1", "/" + std::string(107, 'x'));
    const Environment environment("NOTIFY_SOCKET", unusable);
    ServiceManager strange(loop);
    CHECK_FALSE(strange.present());
}

TEST_CASE("a manager that has gone does no harm, and is heard of again when it is back") {
    const Environment environment("NOTIFY_SOCKET", abstract_name());
    Loop loop;
    ServiceManager notify(loop);
    notify.ready("to nobody");
    const Manager manager(abstract_name());
    notify.status("back");
    CHECK(manager.text() == "STATUS=back");
}

TEST_CASE("the watchdog is fed without being asked, three times in its period") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    const Environment limit("WATCHDOG_USEC", "3000");
    const Environment pid("WATCHDOG_PID", std::to_string(getpid()));
    Loop loop;
    const MonoTime began = loop.now();
    ServiceManager notify(loop);
    for (int i = 0; i < 4; ++i) {
        auto heard = manager.hear();
        while (!heard) {
            loop.turn();
            heard = manager.hear();
        }
        CHECK(heard->text == "WATCHDOG=1");
    }
    CHECK(loop.now() - began >= std::chrono::milliseconds(3));
    CHECK(std::getenv("WATCHDOG_USEC") == std::string("3000"));
}

TEST_CASE("the watchdog of another process is not fed") {
    const Manager manager(abstract_name());
    const Environment environment("NOTIFY_SOCKET", manager.name());
    const Environment limit("WATCHDOG_USEC", GENERATE("3000", "0", "-3", "", "3s"));
    const Environment pid("WATCHDOG_PID", std::to_string(getppid()));
    Loop loop;
    ServiceManager notify(loop);
    CHECK(manager.text() == "nothing");
}

TEST_CASE("a name for a descriptor can be read back, and fits the manager's rules") {
    for (const std::string text : {"127.0.0.1:25", "[::1]:587", "[fe80::1%eth0]:25", "a b", "%3A",
                                   "", "-", "\xff\n", "plain"}) {
        const std::string name = fd_name(text);
        CHECK(name.find_first_of(": \n\xff") == std::string::npos);
        CHECK(text_of_fd_name(name) == text);
    }
    CHECK(fd_name(std::string(85, ':')).size() == 255);
    CHECK_FALSE(
        text_of_fd_name("stored"
                        "%3a"));
    CHECK_FALSE(text_of_fd_name("a:b"));
    CHECK_FALSE(text_of_fd_name("%4"));
    CHECK_FALSE(text_of_fd_name(""));
}

namespace {

// What a process that begins with `descriptors` at 3 and up, and these variables, takes over, as
// "NAME=KIND ...", and what it then finds left behind.
std::string taken(const std::string& pid, const std::string& count, const std::string& names) {
    std::array<int, 2> answer{};
    REQUIRE(pipe2(answer.data(), O_CLOEXEC) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const int out = fcntl(answer[1], F_DUPFD_CLOEXEC, 100);
        for (int fd = 3; fd < 100; ++fd) close(fd);
        open("/dev/null", O_RDWR);
        open("/dev/zero", O_RDWR);
        setenv("LISTEN_PID", pid == "own" ? std::to_string(getpid()).c_str() : pid.c_str(), 1);
        setenv("LISTEN_FDS", count.c_str(), 1);
        setenv("LISTEN_FDNAMES", names.c_str(), 1);
        std::string text;
        {
            for (const InheritedFd& one : take_inherited_fds()) {
                const bool closes = (fcntl(one.fd.get(), F_GETFD) & FD_CLOEXEC) != 0;
                std::error_code ignored;
                text += one.name + "=" +
                        std::filesystem::read_symlink(
                            "/proc/self/fd/" + std::to_string(one.fd.get()), ignored)
                            .string() +
                        (one.fd.get() > 3 && closes ? " " : "! ");
            }
            if (fcntl(3, F_GETFD) >= 0) text += "3-is-taken ";
        }
        for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
            if (std::getenv(name) != nullptr) text += name;
        }
        _exit(write(out, text.data(), text.size()) < 0 ? 1 : 0);
    }
    close(answer[1]);
    std::string text;
    std::array<char, 512> piece{};
    for (ssize_t got = 0; (got = read(answer[0], piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    close(answer[0]);
    waitpid(child, nullptr, 0);
    return text;
}

}  // namespace

TEST_CASE("what the manager kept is taken over once, by name, away from descriptor 3") {
    CHECK(taken("own", "2", "a%3A25:b") == "a%3A25=/dev/null b=/dev/zero ");
    CHECK(taken("own", "2", "") == "=/dev/null =/dev/zero ");
    CHECK(taken("own", "2", ":b:c") == "=/dev/null b=/dev/zero ");
    CHECK(taken("own", "3", "a:b:c") == "a=/dev/null b=/dev/zero ");  // 5 is not there
}

TEST_CASE("descriptors that are not for this process are left alone") {
    CHECK(taken("1", "2", "a:b") == "3-is-taken ");
    CHECK(taken("own", "0", "") == "3-is-taken ");
    CHECK(taken("own", "-1", "") == "3-is-taken ");
    CHECK(taken("own", "1000000000", "") == "3-is-taken ");
    CHECK(taken("own", "2x", "a:b") == "3-is-taken ");
}
