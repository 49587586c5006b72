#include "smtpd/base/log.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Sink {
    UniqueFd reader;
    UniqueFd writer;
};

Sink open_pipe() {
    int fds[2] = {-1, -1};
    REQUIRE(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string read_all(int fd) {
    std::string text(65536, '\0');
    const ssize_t length = read(fd, text.data(), text.size());
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
}

// Until the pipe takes no byte more.
void fill(int fd) {
    const std::string bytes(4096, 'x');
    while (write(fd, bytes.data(), bytes.size()) > 0) {
    }
    while (write(fd, "x", 1) > 0) {
    }
}

void log_to_stderr() {
    log::open(UniqueFd(dup(STDERR_FILENO)), log::Form::stream, "holdfast");
}

}  // namespace

TEST_CASE("a log line is one event with key=value pairs") {
    const auto id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    CHECK(
        log::line("delivered", {{"msg", id}, {"to", "bob@x"}, {"delay", Duration(0)}, {"n", 3}}) ==
        "delivered msg=01ARZ3NDEKTSV4RRFFQ69G5FAV to=bob@x delay=0s n=3");
}

TEST_CASE("F25 a value cannot end its line or add a pair") {
    CHECK(log::line("refused", {{"from", "a\nb from=root"}}) == "refused from=\"a\\nb from=root\"");
    CHECK(log::line("refused", {{"from", "a\" x=\"y"}}) == "refused from=\"a\\\" x=\\\"y\"");
}

TEST_CASE("each form of the log has its own beginning") {
    const std::string who = "smtpd/qmgr[" + std::to_string(getpid()) + "]: ";
    Sink sink = open_pipe();
    SECTION("a stream") {
        log::open(std::move(sink.writer), log::Form::stream, "smtpd/qmgr");
        log::info("up", {});
        CHECK(read_all(sink.reader.get()) == who + "up\n");
    }
    SECTION("the journal's stream") {
        log::open(std::move(sink.writer), log::Form::journal, "smtpd/qmgr");
        log::warning("up", {});
        CHECK(read_all(sink.reader.get()) == "<4>" + who + "up\n");
    }
    SECTION("datagrams, facility mail") {
        int fds[2] = {-1, -1};
        REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
        const UniqueFd reader(fds[0]);
        log::open(UniqueFd(fds[1]), log::Form::datagram, "smtpd/qmgr");
        log::error("up", {});
        CHECK(read_all(reader.get()) == "<19>" + who + "up");
    }
    log_to_stderr();
}

TEST_CASE("lines that a full sink refuses are counted, and the count is told") {
    Sink sink = open_pipe();
    const int writer = sink.writer.get();
    fill(writer);
    log::open(std::move(sink.writer), log::Form::stream, "smtpd/qmgr");
    log::info("one", {});
    log::info("two", {});
    while (!read_all(sink.reader.get()).empty()) {
    }
    log::info("three", {});
    const std::string said = read_all(sink.reader.get());
    CHECK(said.find("log-lines-dropped count=2\n") != std::string::npos);
    CHECK(said.find("three\n") != std::string::npos);
    log_to_stderr();
}

TEST_CASE("a log whose reader has gone asks for another, and tells what was lost") {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    UniqueFd reader(fds[0]);
    log::open(UniqueFd(fds[1]), log::Form::datagram, "smtpd/qmgr");
    unsigned lost = 0;
    log::when_lost([&] { ++lost; });
    log::info("one", {});
    CHECK(lost == 0);
    reader.reset();
    log::info("two", {});
    log::info("three", {});
    CHECK(lost == 2);

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    reader.reset(fds[0]);
    log::reopen(UniqueFd(fds[1]));
    CHECK(read_all(reader.get()).ends_with("log-lines-dropped count=2"));
    log::info("four", {});
    CHECK(read_all(reader.get()).ends_with("four"));
    log::when_lost({});
    log_to_stderr();
}

TEST_CASE("a reader who is merely slow is not taken for gone") {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    const UniqueFd reader(fds[0]);
    log::open(UniqueFd(fds[1]), log::Form::datagram, "smtpd/qmgr");
    unsigned lost = 0;
    log::when_lost([&] { ++lost; });
    for (int i = 0; i < 10'000; ++i) log::info("again", {{"number", i}});
    CHECK(lost == 0);
    log::when_lost({});
    log_to_stderr();
}

TEST_CASE("an event that anybody can cause is written so often and no more") {
    Sink sink = open_pipe();
    log::open(std::move(sink.writer), log::Form::stream, "smtpd/control");
    for (int i = 0; i < 500; ++i) log::warning_limited("client-malformed", {{"uid", 1001}});
    log::info_limited("refused", {{"what", "command"}});
    const std::string said = read_all(sink.reader.get());
    const auto lines = std::count(said.begin(), said.end(), '\n');
    CHECK(lines >= 21);
    CHECK(lines < 30);  // a machine that stands still for seconds admits some more
    CHECK(said.find("refused what=command\n") != std::string::npos);
    log_to_stderr();
}
