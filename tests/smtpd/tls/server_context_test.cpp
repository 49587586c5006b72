// Certificates, names and tickets, tried with OpenSSL's client over real sockets.
#include "smtpd/tls/server_context.h"

#include <algorithm>
#include <map>

#include "tests/catch.h"
#include "tests/smtpd/tls/ends.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

ServerCertificate named(KeyKind kind, const std::string& common_name,
                        std::vector<std::string> names) {
    Issue wanted;
    wanted.common_name = common_name;
    wanted.names = std::move(names);
    auto chain = CertificateChain::parse(pem_of(issue(shared_key(kind), wanted).get()), "test.pem");
    REQUIRE(chain);
    return {std::move(*chain), id_of(kind)};
}

TicketKey ticket_key(std::uint8_t fill) {
    TicketKey key;
    key.fill(fill);
    return key;
}

// The name of the certificate that a client sees who asks for `host`.
std::string served(const ServerContext& context, const std::string& host) {
    Connection connection(context, {.server_name = host});
    REQUIRE(connection.run());
    return connection.client->certificate_name();
}

// A session of this context, with its ticket.
auto session_of(const ServerContext& context, int version) {
    Connection connection(context, {.version = version});
    REQUIRE(connection.run());
    connection.server->stream.write("x");
    REQUIRE(advance_until(connection.loop, *connection.client,
                          [&] { return connection.client->text == "x"; }));
    return connection.client->session();
}

bool resumes(const ServerContext& context, int version, SSL_SESSION* session) {
    Connection connection(context, {.version = version, .session = session});
    REQUIRE(connection.run());
    CHECK((SSL_session_reused(connection.client->ssl.get()) == 1) ==
          connection.server->secured->resumed);
    return connection.server->secured->resumed;
}

}  // namespace

TEST_CASE("each kind of key serves each version of TLS through the signer") {
    LocalKeys keys;
    for (const KeyKind kind : all_kinds) {
        const auto context =
            server_context({certificate_for(kind, {"a.example"})}, keys.function());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            Connection connection(context, {.version = version});
            INFO("kind " << static_cast<int>(kind) << " version " << version);
            const std::size_t before = keys.signatures;
            REQUIRE(connection.run());
            CHECK(keys.signatures == before + 1);
            CHECK(connection.server->secured->version ==
                  (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
            REQUIRE(connection.client->write("hello"));
            connection.server->stream.write("welcome");
            CHECK(advance_until(connection.loop, *connection.client, [&] {
                return connection.server->text == "hello" && connection.client->text == "welcome";
            }));
        }
    }
}

TEST_CASE("a client that knows one scheme only is served with that one") {
    LocalKeys keys;
    const std::multimap<KeyKind, std::string> schemes{
        {KeyKind::rsa, "rsa_pss_rsae_sha256"}, {KeyKind::rsa, "rsa_pss_rsae_sha384"},
        {KeyKind::rsa, "rsa_pss_rsae_sha512"}, {KeyKind::rsa, "RSA+SHA256"},
        {KeyKind::rsa, "RSA+SHA384"},          {KeyKind::rsa, "RSA+SHA512"},
        {KeyKind::ecdsa_p256, "ECDSA+SHA256"}, {KeyKind::ecdsa_p256, "ECDSA+SHA384"},
        {KeyKind::ecdsa_p384, "ECDSA+SHA256"}, {KeyKind::ecdsa_p384, "ECDSA+SHA384"},
        {KeyKind::ed25519, "ed25519"}};
    for (const auto& [kind, scheme] : schemes) {
        const auto context =
            server_context({certificate_for(kind, {"a.example"})}, keys.function());
        Connection connection(context, {.version = TLS1_2_VERSION, .signatures = scheme});
        INFO(scheme);
        CHECK(connection.run());
    }
}

TEST_CASE("the client's name chooses: exact before wildcard, of one label, else the first") {
    LocalKeys keys;
    const auto context = server_context({named(KeyKind::ecdsa_p256, "first", {"mx.example"}),
                                         named(KeyKind::ecdsa_p256, "wild", {"*.example.org"}),
                                         named(KeyKind::ecdsa_p256, "exact", {"mail.example.org"})},
                                        keys.function());
    CHECK(served(context, "") == "first");
    CHECK(served(context, "mx.example") == "first");
    CHECK(served(context, "mail.example.org") == "exact");
    CHECK(served(context, "MAIL.Example.ORG") == "exact");
    CHECK(served(context, "other.example.org") == "wild");
    CHECK(served(context, "two.labels.example.org") == "first");
    CHECK(served(context, "example.org") == "first");
    CHECK(served(context, "stranger.test") == "first");
}

TEST_CASE("certificates of two kinds for the same names serve whoever knows one of them") {
    LocalKeys keys;
    const auto context = server_context({named(KeyKind::ecdsa_p256, "ecdsa", {"mx.example"}),
                                         named(KeyKind::rsa, "rsa", {"mx.example"})},
                                        keys.function());
    const auto seen = [&](const std::string& signatures) {
        Connection connection(context, {.server_name = "mx.example", .signatures = signatures});
        REQUIRE(connection.run());
        return connection.client->certificate_name();
    };
    CHECK(seen("ecdsa_secp256r1_sha256") == "ecdsa");
    CHECK(seen("rsa_pss_rsae_sha256") == "rsa");
}

TEST_CASE("a session resumes under the next certificates, without the signer, if a key is kept") {
    LocalKeys keys;
    const std::vector old_keys{ticket_key(1)};
    const std::vector rotated{ticket_key(2), ticket_key(1)};
    const std::vector strange{ticket_key(3)};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        std::optional<ServerContext> first = server_context(
            {certificate_for(KeyKind::rsa, {"a.example"})}, keys.function(), old_keys);
        const auto session = session_of(*first, version);
        CHECK(resumes(*first, version, session.get()));
        first.reset();
        const std::size_t before = keys.signatures;
        const auto next = server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})},
                                         keys.function(), rotated);
        CHECK(resumes(next, version, session.get()));
        CHECK(keys.signatures == before);
        const auto other = server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})},
                                          keys.function(), strange);
        CHECK_FALSE(resumes(other, version, session.get()));
    }
}

TEST_CASE("without ticket keys no session resumes") {
    LocalKeys keys;
    const auto context =
        server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})}, keys.function());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto session = session_of(context, version);
        if (SSL_SESSION_is_resumable(session.get()) == 1) {
            CHECK_FALSE(resumes(context, version, session.get()));
        }
    }
}

TEST_CASE("F09 open sessions keep their certificates, and new ones get the new") {
    LocalKeys keys;
    std::optional<ServerContext> context =
        server_context({named(KeyKind::ecdsa_p256, "old", {"a.example"})}, keys.function());
    Connection old(*context);
    REQUIRE(old.run());
    Connection half_way(*context);
    half_way.client->advance();
    context = server_context({named(KeyKind::ecdsa_p256, "new", {"a.example"})}, keys.function());
    CHECK(served(*context, "a.example") == "new");
    REQUIRE(half_way.run());
    CHECK(half_way.client->certificate_name() == "old");
    REQUIRE(old.client->write("still here"));
    CHECK(advance_until(old.loop, *old.client, [&] { return old.server->text == "still here"; }));
}

TEST_CASE("the issuers of a certificate are sent with it") {
    LocalKeys keys;
    const KeyHandle root_key = new_key(KeyKind::ecdsa_p256);
    const X509Handle root = issue(root_key.get(), {.common_name = "root"});
    Issue wanted{.names = {"a.example"}, .issuer_key = root_key.get(), .issuer = root.get()};
    const X509Handle leaf = issue(shared_key(KeyKind::rsa), wanted);
    auto chain = CertificateChain::parse(pem_of(leaf.get()) + pem_of(root.get()), "test.pem");
    REQUIRE(chain);
    const auto context = server_context({{*chain, id_of(KeyKind::rsa)}}, keys.function());
    Connection connection(context);
    REQUIRE(connection.run());
    CHECK(sk_X509_num(SSL_get_peer_cert_chain(connection.client->ssl.get())) == 2);
}

TEST_CASE("a signer that gives nothing ends the handshake with its reason") {
    const auto context = server_context({certificate_for(KeyKind::rsa, {"a.example"})},
                                        [](const SignRequest&) -> Result<std::string> {
                                            return plain_error("the signer is away");
                                        });
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Connection connection(context, {.version = version});
        CHECK_FALSE(connection.run());
        REQUIRE(connection.server->end);
        CHECK(connection.server->end->how == End::How::failed);
        CHECK(connection.server->end->reason == "the signer is away");
    }
}

TEST_CASE("a signature that is too long or empty does no harm") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}}) {
        const auto context = server_context(
            {certificate_for(KeyKind::rsa, {"a.example"})},
            [size](const SignRequest&) -> Result<std::string> { return std::string(size, 'x'); });
        Connection connection(context);
        CHECK_FALSE((connection.run() && connection.client->error.empty()));
    }
}

TEST_CASE("a peer that sends records without data holds up nobody else") {
    LocalKeys keys;
    const auto context =
        server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})}, keys.function());
    Connection connection(context, {.version = TLS1_3_VERSION});
    REQUIRE(connection.run());
    SSL* ssl = connection.client->ssl.get();
    constexpr int updates = 50;
    for (int i = 0; i < updates; ++i) {
        REQUIRE(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        REQUIRE(SSL_do_handshake(ssl) == 1);
    }
    REQUIRE(connection.client->write("x"));
    int turns = 0;
    for (; connection.server->text.empty(); ++turns) connection.loop.turn();
    CHECK(turns > updates);
}

TEST_CASE("a client that wants another protocol is not served") {
    LocalKeys keys;
    const auto context =
        server_context({certificate_for(KeyKind::ecdsa_p256, {"a.example"})}, keys.function());
    const auto serves = [&](std::string_view offered) {
        Connection connection(context);
        SSL_set_alpn_protos(connection.client->ssl.get(),
                            reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
        return connection.run();
    };
    CHECK_FALSE(serves("\x08http/1.1"));
    CHECK(serves("\x08http/1.1\005esmtp"));
    CHECK(serves("\x04smtp"));
}

TEST_CASE("a set without certificates is refused") {
    LocalKeys keys;
    CHECK_FALSE(ServerContext::make({library(), {}, {}, keys.function()}));
}
