// What a certificate that a server shows is worth to a client of ours.
#include <sys/socket.h>

#include "smtpd/tls/stream.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/tls/ends.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

// An authority, and a server's certificate that it has signed.
struct World {
    explicit World(Issue wanted)
        : authority_key(new_key(KeyKind::ecdsa_p256)),
          authority(issue(authority_key.get(), {.common_name = "authority", .authority = true})) {
        wanted.issuer_key = authority_key.get();
        wanted.issuer = authority.get();
        certificate = issue(shared_key(KeyKind::ecdsa_p256), wanted);
    }

    // What a client that expects `host` is told of it.
    PeerCertificate met_by_client_of(const std::string& host, const std::string& trusted) {
        Loop loop;
        auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
        Server server(loop, std::move(ours));
        Server client(loop, std::move(theirs));
        LocalKeys keys;
        ServerCertificate shown = certificate_for(KeyKind::ecdsa_p256, {"unused.example"});
        shown.chain = *CertificateChain::parse(pem_of(certificate.get()), "test.pem");
        server.start_tls(server_context({std::move(shown)}, keys.function()));
        auto context = ClientContext::make(library(), trusted);
        REQUIRE(context);
        client.stream.start_tls_client(*context, host,
                                       [&](const Secured& facts) { client.secured = facts; });
        REQUIRE(turn_until(loop, [&] { return client.secured.has_value(); }));
        return client.secured->peer;
    }

    std::string trusted() const { return pem_of(authority.get()); }

    KeyHandle authority_key;
    X509Handle authority;
    X509Handle certificate;
};

}  // namespace

TEST_CASE("a certificate of a trusted authority for this host is trusted, and no other") {
    World world({.names = {"mx.example.com", "*.wild.example"}});
    CHECK(world.met_by_client_of("mx.example.com", world.trusted()).distrust.empty());
    CHECK(world.met_by_client_of("MX.example.com", world.trusted()).distrust.empty());
    CHECK(world.met_by_client_of("a.wild.example", world.trusted()).distrust.empty());
    for (const char* other : {"example.com", "a.mx.example.com", "wild.example", "a.b.wild.example",
                              "test", "127.0.0.1"}) {
        CAPTURE(other);
        CHECK_FALSE(world.met_by_client_of(other, world.trusted()).distrust.empty());
    }
    World stranger({.names = {"mx.example.com"}});
    CHECK_FALSE(world.met_by_client_of("mx.example.com", stranger.trusted()).distrust.empty());
    CHECK_FALSE(world.met_by_client_of("mx.example.com", {}).distrust.empty());
}

TEST_CASE("a certificate that has expired, or is of the future, is not trusted") {
    World expired({.names = {"mx.example.com"}, .from = -7200, .until = -3600});
    CHECK(expired.met_by_client_of("mx.example.com", expired.trusted()).distrust.find("expired") !=
          std::string::npos);
    World early({.names = {"mx.example.com"}, .from = 3600});
    CHECK_FALSE(early.met_by_client_of("mx.example.com", early.trusted()).distrust.empty());
}

TEST_CASE("a client is told the fingerprints of certificate and key, trusted or not") {
    World world({.names = {"mx.example.com"}});
    const PeerCertificate peer = world.met_by_client_of("other.example", {});
    const auto chain = CertificateChain::parse(pem_of(world.certificate.get()), "test.pem");
    REQUIRE(chain);
    CHECK(peer.fingerprint == chain->leaf().fingerprint);
    CHECK(peer.fingerprint.size() == 64);
    CHECK(peer.key_fingerprint.size() == 64);
    CHECK(peer.key_fingerprint != peer.fingerprint);
    World renewed({.names = {"mx.example.com"}});
    const PeerCertificate again = renewed.met_by_client_of("mx.example.com", {});
    CHECK(again.fingerprint != peer.fingerprint);
    CHECK(again.key_fingerprint == peer.key_fingerprint);
}

TEST_CASE("what holds no certificate is nothing that could be trusted") {
    CHECK_FALSE(ClientContext::make(library(), "no certificate"));
    CHECK_FALSE(ClientContext::make(library(), "-----BEGIN CERTIFICATE-----\nx\n"));
}
