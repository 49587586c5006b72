#include "smtpd/base/log.h"

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
    const std::string who = "qmgr[" + std::to_string(getpid()) + "]: ";
    Sink sink = open_pipe();
    SECTION("a stream") {
        log::open(std::move(sink.writer), log::Form::stream, "qmgr");
        log::info("up", {});
        CHECK(read_all(sink.reader.get()) == who + "up\n");
    }
    SECTION("the journal's stream") {
        log::open(std::move(sink.writer), log::Form::journal, "qmgr");
        log::warning("up", {});
        CHECK(read_all(sink.reader.get()) == "<4>" + who + "up\n");
    }
    SECTION("datagrams, facility mail") {
        int fds[2] = {-1, -1};
        REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
        const UniqueFd reader(fds[0]);
        log::open(UniqueFd(fds[1]), log::Form::datagram, "qmgr");
        log::error("up", {});
        CHECK(read_all(reader.get()) == "<19>" + who + "up");
    }
    log_to_stderr();
}

TEST_CASE("lines that a full sink refuses are counted, and the count is told") {
    Sink sink = open_pipe();
    const int writer = sink.writer.get();
    fill(writer);
    log::open(std::move(sink.writer), log::Form::stream, "qmgr");
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
