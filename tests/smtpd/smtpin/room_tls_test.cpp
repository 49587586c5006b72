// The room with TLS, from the reply to STARTTLS to the last session of a set of certificates.
#include <algorithm>
#include <string>
#include <vector>

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "smtpd/smtpin/room.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/smtpin/tls_house.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::milliseconds;
using tls::KeyKind;

bool offers_tls(House& house, std::uint16_t port) {
    TestClient client(port);
    client.send("EHLO c.example\r\n");
    house.until([&] { return client.last_line().starts_with("250 "); });
    return client.received().find("STARTTLS") != std::string::npos;
}

links::TicketKeys ticket_keys(std::initializer_list<char> fills) {
    links::TicketKeys keys;
    for (const char fill : fills) keys.keys.emplace_back(80, fill);
    return keys;
}

// The session of a client that has read something, and so has its ticket.
tls::SessionHandle ticket_of(TlsHouse& house) {
    const auto client = house.implicit_client();
    return client->tls().session();
}

bool resumes(TlsHouse& house, SSL_SESSION* session) {
    const auto client = house.implicit_client({.session = session});
    return SSL_session_reused(client->tls().ssl.get()) == 1;
}

TEST_CASE("mail comes in behind STARTTLS, and its Received field says so") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto client = house.secure_client();
    house.deliver(*client);
    REQUIRE(house.queue->committed.size() == 1);
    const std::string& body = house.queue->committed[0];
    CHECK(body.find(" with ESMTPS id ") != std::string::npos);
    CHECK(body.find("\n\t(TLSv1.3 TLS_") != std::string::npos);
    client->send("QUIT\r\n");
    house.until([&] { return client->at_end(); });
    CHECK(client->last_line() == "221 2.0.0 Bye");
}

TEST_CASE("mail comes in under implicit TLS, and in TLS 1.2") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto client = house.implicit_client({.version = TLS1_2_VERSION});
    house.deliver(*client);
    CHECK(house.queue->committed.at(0).find("\n\t(TLSv1.2 ") != std::string::npos);
}

TEST_CASE("a client is shown the certificate of the host that it asks for") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example", "other.example"}));
    const auto seen = [&](const std::string& host) {
        return house.secure_client({.server_name = host})->tls().certificate_name();
    };
    CHECK(seen("other.example") == "other.example of set 1");
    CHECK(seen("mx.example") == "mx.example of set 1");
    CHECK(seen("unknown.example") == "mx.example of set 1");
    CHECK(seen("") == "mx.example of set 1");
}

TEST_CASE("TLS is offered when there are certificates and a signer, and not before") {
    TlsHouse house;
    CHECK_FALSE(offers_tls(house, house.starttls_port));
    house.tell_room(set_of(1, {"mx.example"}));
    house.until([&] { return house.loaded.size() == 1; });
    CHECK_FALSE(offers_tls(house, house.starttls_port));
    house.tell_room(links::UseCertificates{1});
    house.until([&] { return house.in_use.size() == 1; });
    CHECK(offers_tls(house, house.starttls_port));
    CHECK_FALSE(offers_tls(house, house.port));
}

TEST_CASE("F17 commands behind STARTTLS in the same segment are never run") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    TlsClient client(house.starttls_port);
    client.plain().send(
        "EHLO c.example\r\nSTARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@c.example>\r\n"
        "RCPT TO:<b@mx.example>\r\n");
    house.until([&] { return client.plain().last_line() == "220 2.0.0 Ready to start TLS"; });
    client.start_tls();
    house.until_secure(client);
    house.turn_for(milliseconds(20));
    CHECK(client.last_line().empty());
    CHECK(house.queue->asked.empty());
    client.send("RCPT TO:<b@mx.example>\r\n");
    house.expect(client, "503 5.5.1 say MAIL first");
    CHECK(house.queue->asked.empty());
}

TEST_CASE("F17 a command behind STARTTLS in its own segment is no handshake") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto client = house.client_behind_starttls();
    const std::size_t before = client->plain().received().size();
    client->plain().send("MAIL FROM:<evil@c.example>\r\nRCPT TO:<b@mx.example>\r\n");
    house.until([&] { return client->plain().at_end(); });
    CHECK(client->plain().received().find("250 ", before) == std::string::npos);
    CHECK(house.queue->asked.empty());
}

TEST_CASE("a new set is for new handshakes; those under way and sessions keep the old one") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto held = house.secure_client();
    const auto half = house.client_behind_starttls();
    house.use(set_of(2, {"mx.example"}));
    CHECK(house.free.empty());
    CHECK(house.secure_client()->tls().certificate_name() == "mx.example of set 2");
    house.deliver(*held);
    half->start_tls();
    house.until_secure(*half);
    CHECK(half->tls().certificate_name() == "mx.example of set 1");
    house.until([&] { return house.free.size() == 1; });
    CHECK(house.free == std::vector<std::uint64_t>{1});
    house.deliver(*half);
    house.deliver(*held);
}

TEST_CASE("a set is free when the last handshake that uses it is cut off") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto one = house.client_behind_starttls();
    const auto other = house.client_behind_starttls();
    house.use(set_of(2, {"mx.example"}));
    one->plain().close();
    house.turn_for(milliseconds(20));
    CHECK(house.free.empty());
    other->plain().vanish();
    house.until([&] { return house.free.size() == 1; });
}

TEST_CASE("a set that was loaded but never used is free when a later one is used") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    house.tell_room(set_of(2, {"mx.example"}));
    house.use(set_of(3, {"mx.example"}));
    house.until([&] { return house.free.size() == 2; });
    CHECK(house.free == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("a set with a certificate that cannot serve is refused, and the old one serves on") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    auto set = set_of(2, {"mx.example"});
    set.certificates.push_back(
        certificate_file(KeyKind::rsa, {.names = {"b.example"}, .common_name = "b"}));
    set.certificates.back().public_key = set.certificates.front().public_key;
    house.tell_room(std::move(set));
    house.tell_room(links::UseCertificates{2});
    house.until([&] { return house.loaded.size() == 2; });
    house.turn_for(milliseconds(20));
    CHECK(house.in_use == std::vector<std::uint64_t>{1});
    CHECK(house.loaded[1].certificates.at(0).error.empty());
    CHECK(house.loaded[1].certificates.at(1).error.find("is not the certificate of the key ") !=
          std::string::npos);
    CHECK(house.secure_client()->tls().certificate_name() == "mx.example of set 1");
}

TEST_CASE("sessions resume with the same ticket keys in another room and under another set") {
    tls::SessionHandle session;
    {
        TlsHouse house;
        house.tell_room(ticket_keys({'a'}));
        house.use(set_of(1, {"mx.example"}));
        session = ticket_of(house);
        CHECK(resumes(house, session.get()));
        house.use(set_of(2, {"mx.example"}));
        CHECK(resumes(house, session.get()));
    }
    TlsHouse next;
    next.use(set_of(1, {"mx.example"}));
    CHECK_FALSE(resumes(next, session.get()));
    next.tell_room(ticket_keys({'b', 'a'}));
    next.until([&] { return resumes(next, session.get()); });
    next.tell_room(ticket_keys({'c'}));
    next.until([&] { return !resumes(next, session.get()); });
}

TEST_CASE("without a signer TLS is not offered, and comes back with the next one") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto held = house.secure_client();
    const auto half = house.client_behind_starttls();
    house.signer->vanish();
    CHECK_FALSE(offers_tls(house, house.starttls_port));
    TestClient stubborn(house.starttls_port);
    stubborn.send("EHLO c.example\r\nSTARTTLS\r\n");
    house.until([&] { return stubborn.last_line() == "454 4.7.0 TLS is not available now"; });
    half->start_tls();
    house.until([&] { return half->secure() || !half->tls().error.empty(); });
    CHECK_FALSE(half->secure());
    TlsClient implicit(house.implicit_port);
    implicit.start_tls();
    house.until([&] { return implicit.secure() || !implicit.tls().error.empty(); });
    CHECK_FALSE(implicit.secure());

    house.deliver(*held);
    house.replace_signer();
    house.until([&] { return offers_tls(house, house.starttls_port); });
    house.deliver(*house.secure_client());
    stubborn.send("STARTTLS\r\n");
    house.until([&] { return stubborn.last_line().starts_with("220 2.0.0 Ready"); });
    CHECK(house.malformed.empty());
}

TEST_CASE("a signer that breaks the rules of its link is named to the parent") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET);
    house.tell_room(links::Peer{links::Room::signer, std::move(theirs)});
    const auto client = house.client_behind_starttls();
    REQUIRE(send_packet(ours.get(), "no frame at all"));
    client->start_tls();
    house.until([&] { return client->secure() || !client->tls().error.empty(); });
    CHECK_FALSE(client->secure());
    house.until([&] { return !house.malformed.empty(); });
    CHECK(house.malformed == std::vector<links::Room>{links::Room::signer});
}

TEST_CASE("two hundred handshakes at the same time all succeed") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    std::vector<std::unique_ptr<TlsClient>> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(std::make_unique<TlsClient>(house.implicit_port));
        clients.back()->start_tls();
        house.loop.turn();  // which accepts: the listener's queue is short
    }
    house.until([&] {
        return std::ranges::all_of(clients, [](const auto& client) {
            REQUIRE(client->tls().error.empty());
            return client->last_line().starts_with("220 ");
        });
    });
    house.use(set_of(2, {"mx.example"}));
    house.until([&] { return house.free.size() == 1; });
    house.deliver(*clients.back());
}

TEST_CASE("a drain ends sessions under TLS with a reply and in order") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto idle = house.secure_client();
    const auto busy = house.secure_client();
    busy->send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    house.expect(*busy, "354 ");
    const auto half = house.client_behind_starttls();
    house.tell_room(links::Drain{});
    house.until([&] { return idle->at_end(); });
    CHECK(idle->last_line() == "421 4.3.2 mx.example is restarting; connect again");
    half->start_tls();
    house.until([&] { return half->at_end(); });
    CHECK(half->last_line() == "421 4.3.2 mx.example is restarting; connect again");
    busy->send("Subject: x\r\n\r\n.\r\n");
    house.until([&] { return busy->at_end(); });
    CHECK(busy->tls().text.find("250 2.0.0 Ok: queued as ") != std::string::npos);
    idle->tls().socket.reset();
    half->tls().socket.reset();
    busy->tls().socket.reset();
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a handshake that the client cuts off leaves nothing behind") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    for (int i = 0; i < 20; ++i) {
        TlsClient client(house.implicit_port);
        client.plain().send(std::string_view("\x16\x03\x01\x02\x00", 5));
        if (i % 2 == 0) {
            client.plain().vanish();
        } else {
            client.plain().close();
        }
    }
    house.deliver(*house.implicit_client());
    house.tell_room(links::Drain{});
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a client in the clear at an implicit listener is told nothing and costs nothing") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    TestClient client(house.implicit_port);
    client.send("EHLO c.example\r\n");
    house.until([&] { return client.at_end(); });
    CHECK(client.received().find("220") == std::string::npos);
}

TEST_CASE("an implicit listener without certificates closes at once") {
    TlsHouse house;
    TestClient client(house.implicit_port);
    house.until([&] { return client.at_end(); });
    CHECK(client.received().empty());
}

TEST_CASE("a large message under TLS arrives whole") {
    TlsHouse house;
    house.use(set_of(1, {"mx.example"}));
    const auto client = house.secure_client();
    client->send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    house.expect(*client, "354 ");
    const std::string line(70, 'x');
    std::string block;
    for (int i = 0; i < 200; ++i) block += line + "\r\n";
    int sent = 0;
    house.until([&] {
        if (client->tls().write(block)) ++sent;
        return sent == 200;
    });
    house.until([&] { return client->tls().write(".\r\n"); });
    house.expect(*client, "250 2.0.0 Ok: queued as ");
    const std::string& body = house.queue->committed.at(0);
    CHECK(static_cast<std::size_t>(std::ranges::count(body, 'x')) >= 200UL * 200 * 70);
    CHECK(body.ends_with(line + "\n"));
}

}  // namespace
}  // namespace holdfast::smtpin
