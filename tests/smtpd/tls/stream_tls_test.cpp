// Streams under TLS: the same promises as plain ones, and those that TLS adds.
#include <sys/socket.h>

#include "smtpd/tls/stream.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/tls/ends.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

ServerContext any_context() {
    static LocalKeys keys;
    static const ServerContext context =
        server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})}, keys.function());
    return context;
}

ClientContext client_context() {
    auto context = ClientContext::make(library());
    REQUIRE(context);
    return *context;
}

void send_plain(const UniqueFd& socket, std::string_view bytes) {
    REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
}

std::string receive_plain(Loop& loop, const UniqueFd& socket) {
    std::string said(100, '\0');
    ssize_t count = -1;
    REQUIRE(turn_until(loop, [&] {
        count = ::recv(socket.get(), said.data(), said.size(), MSG_DONTWAIT);
        loop.post([] {});
        return count >= 0;
    }));
    return said.substr(0, static_cast<std::size_t>(count));
}

// A server that does what smtpin does with STARTTLS.
struct StartTls {
    explicit StartTls(Loop& loop) {
        auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
        client = std::move(theirs);
        stream.emplace(loop, std::move(ours), 1000,
                       Stream::Callbacks{[this](std::string_view input) { return consume(input); },
                                         [this](const End& how) { end = how; }, [] {}});
        stream->want_read(true);
    }
    std::size_t consume(std::string_view input) {
        const std::size_t line = input.find('\n');
        if (line == std::string_view::npos) return 0;
        heard += input.substr(0, line + 1);
        if (input.starts_with("STARTTLS")) {
            stream->write("220 go\n");
            stream->start_tls(any_context(), [this](const Secured& facts) { secured = facts; });
        }
        return line + 1;
    }
    UniqueFd client;
    std::optional<Stream> stream;
    std::string heard;
    std::optional<Secured> secured;
    std::optional<End> end;
};

// Two streams in one loop, with sockets that take little at a time.
struct Pair {
    Pair() {
        auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
        for (const int fd : {ours.get(), theirs.get()}) {
            const int size = 1;  // the kernel takes its least
            setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
        server.emplace(loop, std::move(ours));
        client.emplace(loop, std::move(theirs));
        server->start_tls(any_context());
        client->stream.start_tls_client(client_context(), "a.example",
                                        [this](const Secured& facts) { client->secured = facts; });
    }
    Loop loop;
    std::optional<Server> server;
    std::optional<Server> client;
};

}  // namespace

TEST_CASE("F17 plain input behind STARTTLS is thrown away, counted and never heard") {
    Loop loop;
    StartTls server(loop);
    send_plain(server.client, "STARTTLS\nRSET\nMAIL\n");
    CHECK(receive_plain(loop, server.client) == "220 go\n");
    RawClient client(std::move(server.client));
    REQUIRE(advance_until(loop, client, [&] { return server.secured && client.connected; }));
    CHECK(server.secured->discarded == 10);
    REQUIRE(client.write("EHLO\n"));
    REQUIRE(advance_until(loop, client, [&] { return server.heard.ends_with("EHLO\n"); }));
    CHECK(server.heard == "STARTTLS\nEHLO\n");
}

TEST_CASE("F17 plain input that comes after 220 ends the session and is never heard") {
    Loop loop;
    StartTls server(loop);
    send_plain(server.client, "STARTTLS\n");
    CHECK(receive_plain(loop, server.client) == "220 go\n");
    send_plain(server.client, "MAIL FROM:<>\n");
    REQUIRE(turn_until(loop, [&] { return server.end.has_value(); }));
    CHECK(server.end->how == End::How::failed);
    CHECK(server.end->reason == "the peer does not speak TLS");
    CHECK(server.heard == "STARTTLS\n");
}

TEST_CASE("F17 input that the session had left unconsumed is thrown away too") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Stream::Callbacks callbacks;
    std::string heard;
    callbacks.on_input = [&heard](std::string_view input) {
        heard = input;
        return std::size_t{0};
    };
    callbacks.on_end = [](const End&) {};
    std::optional<Secured> secured;
    Stream stream(loop, std::move(ours), 1000, std::move(callbacks));
    stream.want_read(true);
    send_plain(theirs, "half a li");
    loop.turn();
    stream.start_tls(any_context(), [&](const Secured& facts) { secured = facts; });
    RawClient client(std::move(theirs));
    REQUIRE(advance_until(loop, client, [&] { return secured.has_value(); }));
    CHECK(secured->discarded == 9);
    REQUIRE(client.write("a line"));
    REQUIRE(advance_until(loop, client, [&] { return heard.ends_with("line"); }));
    CHECK(heard == "a line");
}

TEST_CASE("what is written during the handshake leaves behind it, encrypted") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Server server(loop, std::move(ours));
    server.start_tls(any_context());
    server.stream.write("220 hello\n");
    CHECK(server.stream.unsent() == 10);
    RawClient client(std::move(theirs));
    REQUIRE(advance_until(loop, client, [&] { return client.text == "220 hello\n"; }));
    CHECK(server.stream.unsent() == 0);
    CHECK(server.secured->discarded == 0);
}

TEST_CASE("a connection that ends without close_notify is told as truncated") {
    Connection connection(any_context());
    REQUIRE(connection.run());
    REQUIRE(connection.client->write("half a mess"));
    SECTION("cut") {
        connection.client->socket.reset();
        REQUIRE(turn_until(connection.loop, [&] { return connection.server->end.has_value(); }));
        CHECK(connection.server->end->how == End::How::truncated);
        CHECK(connection.server->end->reason ==
              "the peer closed the connection without ending TLS");
    }
    SECTION("closed") {
        SSL_shutdown(connection.client->ssl.get());
        REQUIRE(turn_until(connection.loop, [&] { return connection.server->end.has_value(); }));
        CHECK(connection.server->end->how == End::How::closed);
    }
    CHECK(connection.server->text == "half a mess");
}

TEST_CASE("a peer that leaves during the handshake is told as such") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Server server(loop, std::move(ours));
    server.start_tls(any_context());
    theirs.reset();
    REQUIRE(turn_until(loop, [&] { return server.end.has_value(); }));
    CHECK(server.end->how == End::How::failed);
    CHECK(server.end->reason == "the peer closed the connection during the handshake");
}

TEST_CASE("a handshake that fails is told in words") {
    const auto reason = [](const ClientWishes& wishes) {
        Connection connection(any_context(), wishes);
        CHECK_FALSE(connection.run());
        REQUIRE(connection.server->end);
        CHECK(connection.server->end->how == End::How::failed);
        return connection.server->end->reason;
    };
    CHECK(reason({.version = TLS1_1_VERSION}) == "the peer offers no common version");
    CHECK(reason({.version = TLS1_3_VERSION, .signatures = "rsa_pss_rsae_sha256"}) ==
          "the peer offers no signature that our certificates can give");
    CHECK(reason({.version = TLS1_2_VERSION, .signatures = "RSA+SHA256"}) ==
          "the peer offers no common cipher");
}

TEST_CASE("an alert of the peer's is told by its name") {
    Connection connection(any_context());
    SSL_set_verify(connection.client->ssl.get(), SSL_VERIFY_PEER, nullptr);
    CHECK_FALSE(connection.run());
    REQUIRE(connection.server->end);
    CHECK(connection.server->end->reason == "the peer sent the alert \"unknown CA\"");
}

TEST_CASE("finish sends what is queued, ends TLS, and throws away what still comes") {
    Connection connection(any_context());
    REQUIRE(connection.run());
    connection.server->stream.write("221 bye\n");
    connection.server->stream.finish();
    REQUIRE(connection.client->write("what nobody hears"));
    REQUIRE(advance_until(connection.loop, *connection.client,
                          [&] { return connection.client->closed; }));
    CHECK(connection.client->text == "221 bye\n");
    CHECK_FALSE(connection.server->end);
    connection.client->socket.reset();
    REQUIRE(turn_until(connection.loop, [&] { return connection.server->end.has_value(); }));
    CHECK(connection.server->text.empty());
}

TEST_CASE("finish during a handshake closes and waits for the peer") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    Server server(loop, std::move(ours));
    SECTION("before it begins") {
        server.start_tls(any_context());
        server.stream.finish();
    }
    SECTION("while it waits for the peer") {
        server.start_tls(any_context());
        loop.post([] {});
        loop.turn();
        server.stream.finish();
    }
    CHECK(receive_plain(loop, theirs).empty());
    CHECK_FALSE(server.end);
    theirs.reset();
    CHECK(turn_until(loop, [&] { return server.end.has_value(); }));
}

TEST_CASE("a large message passes both ways at once through sockets that take little") {
    Pair pair;
    const std::string much(1'000'000, 'm');
    pair.server->stream.write(much);
    pair.client->stream.write(much);
    REQUIRE(turn_until(pair.loop, [&] {
        return pair.server->text.size() == much.size() && pair.client->text.size() == much.size();
    }));
    CHECK(pair.server->text == much);
    CHECK(pair.client->secured->version == "TLSv1.3");
    CHECK(pair.server->secured->server_name == "a.example");
    CHECK(pair.server->drained > 0);
    pair.client->stream.finish();
    REQUIRE(turn_until(pair.loop, [&] { return pair.server->end.has_value(); }));
    CHECK(pair.server->end->how == End::How::closed);
}

TEST_CASE("a last word under TLS arrives, and TLS ends in order though the stream is destroyed") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::optional<Server> server(std::in_place, loop, std::move(ours));
    server->start_tls(any_context());
    // During the handshake nothing can be said.
    server->stream.part_with("421 too early\r\n");
    RawClient client(std::move(theirs));
    REQUIRE(advance_until(loop, client, [&] { return client.connected && server->secured; }));
    server->stream.part_with("421 farewell\r\n");
    server.reset();
    CHECK(advance_until(loop, client, [&] { return client.closed; }));
    CHECK(client.text == "421 farewell\r\n");
}

TEST_CASE("a reader that pauses gets the rest of a record when it resumes") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::string text;
    std::optional<Stream> stream;
    Stream::Callbacks callbacks;
    callbacks.on_input = [&](std::string_view input) {
        text += input;
        stream->want_read(false);
        return input.size();
    };
    callbacks.on_end = [](const End&) {};
    stream.emplace(loop, std::move(ours), 100, std::move(callbacks));
    stream->start_tls(any_context(), [](const Secured&) {});
    stream->want_read(true);
    RawClient client(std::move(theirs));
    REQUIRE(advance_until(loop, client, [&] { return client.connected; }));
    REQUIRE(client.write(std::string(250, 'r')));
    for (const std::size_t size : {std::size_t{100}, std::size_t{200}, std::size_t{250}}) {
        REQUIRE(turn_until(loop, [&] { return text.size() == size; }));
        loop.post([] {});
        loop.turn();
        CHECK(text.size() == size);
        stream->want_read(true);
        loop.post([] {});
    }
}

TEST_CASE("F21 under TLS no more unconsumed input is kept than the limit") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::size_t total = 0;
    std::size_t most = 0;
    Stream::Callbacks callbacks;
    // Leaves some until the buffer is full.
    callbacks.on_input = [&](std::string_view input) -> std::size_t {
        most = std::max(most, input.size());
        if (input.size() < 100) return 0;
        total += input.size();
        return input.size();
    };
    callbacks.on_end = [](const End&) {};
    Stream stream(loop, std::move(ours), 100, std::move(callbacks));
    stream.want_read(true);
    stream.start_tls(any_context(), [](const Secured&) {});
    RawClient client(std::move(theirs));
    REQUIRE(advance_until(loop, client, [&] { return client.connected; }));
    REQUIRE(client.write(std::string(10'000, 'x')));
    REQUIRE(turn_until(loop, [&] { return total == 10'000; }));
    CHECK(most <= 100);
}

TEST_CASE("a client that asks for new keys in the middle is served on") {
    Connection connection(any_context(), {.version = TLS1_3_VERSION});
    REQUIRE(connection.run());
    for (int i = 0; i < 10; ++i) {
        REQUIRE(SSL_key_update(connection.client->ssl.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
        REQUIRE(connection.client->write("ping"));
        connection.server->stream.write("pong");
        REQUIRE(advance_until(connection.loop, *connection.client, [&] {
            return connection.client->text.size() == 4U * static_cast<unsigned>(i + 1) &&
                   connection.server->text.size() == connection.client->text.size();
        }));
    }
}

TEST_CASE("renegotiation is refused") {
    Connection connection(any_context(), {.version = TLS1_2_VERSION});
    REQUIRE(connection.run());
    SSL_renegotiate(connection.client->ssl.get());
    SSL_do_handshake(connection.client->ssl.get());
    REQUIRE(advance_until(connection.loop, *connection.client, [&] {
        return !connection.client->error.empty() || connection.server->end;
    }));
    CHECK(connection.client->error.find("no renegotiation") != std::string::npos);
}

TEST_CASE("a stream may be destroyed inside its own callbacks under TLS") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    std::optional<Stream> stream;
    Stream::Callbacks callbacks;
    callbacks.on_input = [&](std::string_view input) {
        stream.reset();
        return input.size();
    };
    callbacks.on_end = [&](const End&) { stream.reset(); };
    stream.emplace(loop, std::move(ours), 1000, std::move(callbacks));
    stream->want_read(true);
    bool in_secured = false;
    stream->start_tls(any_context(), [&](const Secured&) {
        if (in_secured) stream.reset();
    });
    RawClient client(std::move(theirs));
    SECTION("when it is secured") {
        in_secured = true;
        stream->write("never leaves");
        REQUIRE(advance_until(loop, client, [&] { return !stream.has_value(); }));
    }
    SECTION("on input") {
        REQUIRE(advance_until(loop, client, [&] { return client.connected; }));
        REQUIRE(client.write("x"));
    }
    SECTION("when the handshake fails") {
        client.socket.reset();
    }
    REQUIRE(turn_until(loop, [&] { return !stream.has_value(); }));
    loop.post([] {});
    loop.turn();
}

TEST_CASE("a thousand handshakes at a time, every one with its own text") {
    Loop loop;
    const auto client = client_context();
    struct Both {
        std::unique_ptr<Server> server;
        std::unique_ptr<Server> client;
    };
    for (int round = 0; round < 10; ++round) {
        std::vector<Both> all;
        for (int i = 0; i < 100; ++i) {
            auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
            all.push_back({std::make_unique<Server>(loop, std::move(ours)),
                           std::make_unique<Server>(loop, std::move(theirs))});
            all.back().server->start_tls(any_context());
            all.back().client->stream.start_tls_client(client, "", [](const Secured&) {});
            all.back().client->stream.write("number " + std::to_string(i));
        }
        REQUIRE(turn_until(loop, [&] {
            return std::ranges::all_of(all,
                                       [](const Both& both) { return !both.server->text.empty(); });
        }));
        for (std::size_t i = 0; i < all.size(); ++i) {
            CHECK(all[i].server->text == "number " + std::to_string(i));
        }
    }
}
