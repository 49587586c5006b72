// Streams without TLS.
#include "smtpd/tls/stream.h"

#include <optional>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using tls::End;
using tls::Stream;

namespace {

struct Reader {
    Reader(Loop& loop, UniqueFd socket, std::size_t limit) {
        Stream::Callbacks callbacks;
        callbacks.on_input = [this](std::string_view input) { return consume(input); };
        callbacks.on_end = [this](const End& how) {
            CHECK(how.how == End::How::closed);
            ended = true;
        };
        callbacks.on_drained = [this] { ++drained; };
        stream.emplace(loop, std::move(socket), limit, std::move(callbacks));
        stream->want_read(true);
    }

    // Takes whole lines only.
    std::size_t consume(std::string_view input) {
        seen = std::max(seen, input.size());
        const std::size_t end = input.rfind('\n');
        if (end == std::string_view::npos && input.size() < 100) return 0;
        const std::size_t done = end == std::string_view::npos ? input.size() : end + 1;
        text += input.substr(0, done);
        return done;
    }

    std::string text;
    std::size_t seen = 0;
    bool ended = false;
    int drained = 0;
    std::optional<Stream> stream;
};

void write_to(const UniqueFd& socket, std::string_view bytes) {
    REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("input that is not consumed comes again with more behind it") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Reader reader(loop, std::move(ours), 1000);
    write_to(theirs, "hal");
    REQUIRE(turn_until(loop, [&] { return reader.seen == 3; }));
    write_to(theirs, "f\nnext");
    REQUIRE(turn_until(loop, [&] { return !reader.text.empty(); }));
    CHECK(reader.text == "half\n");
    CHECK(reader.seen == 9);
}

TEST_CASE("F21 no more unconsumed input is kept than the limit") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Reader reader(loop, std::move(ours), 100);
    write_to(theirs, std::string(10'000, 'x'));
    REQUIRE(turn_until(loop, [&] { return reader.text.size() == 10'000; }));
    CHECK(reader.seen <= 100);
}

TEST_CASE("output of a turn is gathered, and a full socket is waited for") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Reader reader(loop, std::move(ours), 1000);
    const std::string line(999, 'y');
    for (int i = 0; i < 1000; ++i) reader.stream->write(line + "\n");
    loop.post([] {});
    loop.turn();
    CHECK(reader.stream->unsent() > 0);
    std::size_t got = 0;
    std::string buffer(65536, '\0');
    REQUIRE(turn_until(loop, [&] {
        const ssize_t count = ::recv(theirs.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        got += count > 0 ? static_cast<std::size_t>(count) : 0;
        loop.post([] {});
        return got == 1'000'000;
    }));
    CHECK(turn_until(loop, [&] { return reader.drained > 0; }));
}

TEST_CASE("the peer's end is told after its last input") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Reader reader(loop, std::move(ours), 1000);
    write_to(theirs, "last\n");
    theirs.reset();
    REQUIRE(turn_until(loop, [&] { return reader.ended; }));
    CHECK(reader.text == "last\n");
}

TEST_CASE("finish sends what is queued, then waits for the peer, and throws its input away") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Reader reader(loop, std::move(ours), 1000);
    reader.stream->write("221 bye\n");
    reader.stream->finish();
    write_to(theirs, "what nobody hears\n");
    std::string said(100, '\0');
    ssize_t count = -1;
    REQUIRE(turn_until(loop, [&] {
        count = ::recv(theirs.get(), said.data(), said.size(), MSG_DONTWAIT);
        loop.post([] {});
        return count > 0;
    }));
    CHECK(said.substr(0, static_cast<std::size_t>(count)) == "221 bye\n");
    CHECK_FALSE(reader.ended);
    theirs.reset();
    REQUIRE(turn_until(loop, [&] { return reader.ended; }));
    CHECK(reader.text.empty());
}

TEST_CASE("reading that was stopped resumes with what is already here") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::string text;
    std::optional<Stream> stream;
    Stream::Callbacks callbacks;
    // Takes a byte, then wants a rest: the others are here when it resumes.
    callbacks.on_input = [&](std::string_view input) -> std::size_t {
        text += input.front();
        stream->want_read(false);
        return 1;
    };
    callbacks.on_end = [](const End&) {};
    stream.emplace(loop, std::move(ours), 1000, std::move(callbacks));
    stream->want_read(true);
    write_to(theirs, "abc");
    REQUIRE(turn_until(loop, [&] { return text == "a"; }));
    stream->want_read(true);
    loop.post([] {});
    REQUIRE(turn_until(loop, [&] { return text == "ab"; }));
}

TEST_CASE("a stream may be destroyed inside its own callbacks") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::optional<Stream> stream;
    Stream::Callbacks callbacks;
    callbacks.on_input = [&](std::string_view input) -> std::size_t {
        stream.reset();
        return input.size();
    };
    callbacks.on_end = [&](const End&) { stream.reset(); };
    stream.emplace(loop, std::move(ours), 1000, std::move(callbacks));
    stream->want_read(true);
    stream->write("never leaves");
    SECTION("on input") {
        write_to(theirs, "x");
    }
    SECTION("at the end") {
        theirs.reset();
    }
    REQUIRE(turn_until(loop, [&] { return !stream.has_value(); }));
    loop.post([] {});
    loop.turn();
}
