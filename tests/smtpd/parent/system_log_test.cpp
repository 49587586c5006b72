#include "smtpd/parent/system_log.h"

#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/clock.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

// A folder with a syslogd in it that comes and goes.
class Syslogd {
  public:
    Syslogd() {
        std::string pattern = "/tmp/holdfast-log-XXXXXX";
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
    }
    ~Syslogd() {
        stop();
        rmdir(folder_.c_str());
    }

    std::string path() const { return folder_ + "/log"; }

    void start() {
        stop();
        socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path().c_str());
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(bind(socket_.get(), generic, sizeof address) == 0);
    }
    void stop() {
        socket_.reset();
        unlink(path().c_str());
    }

    std::string line() const {
        std::string text(200, '\0');
        const ssize_t length = read(socket_.get(), text.data(), text.size());
        text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
        return text;
    }

  private:
    std::string folder_;
    UniqueFd socket_;
};

bool say(int sink) {
    return send(sink, "hello", 5, MSG_NOSIGNAL) == 5;
}

void turn_until(Loop& loop, const bool& done) {
    const MonoTime deadline = real_clock().mono() + std::chrono::seconds(10);
    while (!done && real_clock().mono() < deadline) loop.turn();
}

}  // namespace

TEST_CASE("the system's log is found again behind a restart of syslogd, under the same number") {
    Syslogd syslogd;
    syslogd.start();
    const UniqueFd sink = SystemLog::connect(syslogd.path());
    CHECK(say(sink.get()));
    CHECK(syslogd.line() == "hello");

    syslogd.start();
    CHECK_FALSE(say(sink.get()));
    Loop loop;
    bool open = false;
    SystemLog log(loop, sink.get(), syslogd.path(), [&] { open = true; });
    log.lost();
    turn_until(loop, open);
    REQUIRE(open);
    CHECK(say(sink.get()));
    CHECK(syslogd.line() == "hello");
    CHECK((fcntl(sink.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a syslogd that comes after smtpd is waited for") {
    Syslogd syslogd;
    const UniqueFd sink = SystemLog::connect(syslogd.path());
    REQUIRE(sink);
    CHECK_FALSE(say(sink.get()));
    Loop loop;
    bool open = false;
    SystemLog log(loop, sink.get(), syslogd.path(), [&] { open = true; });
    log.lost();
    loop.turn();
    CHECK_FALSE(open);
    syslogd.start();
    turn_until(loop, open);
    REQUIRE(open);
    CHECK(say(sink.get()));
}
