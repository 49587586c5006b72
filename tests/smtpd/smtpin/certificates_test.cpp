// What the store of certificates says of what it is given.
#include "smtpd/smtpin/certificates.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/tls/key_kind.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/smtpin/tls_house.h"

namespace holdfast::smtpin {
namespace {

using tls::KeyKind;

constexpr long day = 86400;

struct Store {
    std::vector<std::uint64_t> free;
    Certificates certificates{{[](const tls::SignRequest&) -> Result<std::string> {
                                   return plain_error("nobody signs here");
                               },
                               [] { return true; },
                               [this](std::uint64_t set) { free.push_back(set); }}};

    // The set of this one certificate.
    links::LoadedCertificate load(std::uint64_t number, links::CertificateFile file) {
        links::LoadCertificates message{number, {}, false};
        message.certificates.push_back(std::move(file));
        auto answer = certificates.load(std::move(message), real_clock().wall());
        REQUIRE(answer);
        CHECK(answer->set == number);
        REQUIRE(answer->certificates.size() == 1);
        return answer->certificates.front();
    }
};

TEST_CASE("a certificate is told with its names, its fingerprint and its time") {
    Store store;
    const auto facts = store.load(
        1, certificate_file(
               KeyKind::rsa,
               {.names = {"b.example", "*.a.example"}, .common_name = "b", .until = 90 * day}));
    CHECK(facts.host == "b.example");
    CHECK(facts.name == "/etc/b.pem");
    CHECK(facts.names == std::vector<std::string>{"*.a.example", "b.example"});
    CHECK(facts.fingerprint.size() == 64);
    CHECK(facts.not_after - facts.not_before == (90 * day + 3600) * 1000);
    CHECK(facts.warning.empty());
    CHECK(facts.error.empty());
    CHECK(store.certificates.has(1));
}

TEST_CASE("a certificate for others, or near its end, serves with a warning") {
    Store store;
    auto file = certificate_file(
        KeyKind::rsa,
        {.names = {"b.example"}, .common_name = "b", .from = -80 * day, .until = 10 * day});
    file.host = "a.example";
    const auto facts = store.load(1, std::move(file));
    CHECK(facts.warning.starts_with("is not for a.example, only for b.example; expires on "));
    CHECK(facts.warning.ends_with(": renew it"));
    CHECK(facts.error.empty());
    // Of a life of nine days the last three are the end.
    CHECK(
        store
            .load(2, certificate_file(KeyKind::rsa,
                                      {.names = {"b.example"}, .from = -5 * day, .until = 4 * day}))
            .warning.empty());
    CHECK_FALSE(
        store
            .load(3, certificate_file(KeyKind::rsa,
                                      {.names = {"b.example"}, .from = -7 * day, .until = 2 * day}))
            .warning.empty());
}

TEST_CASE("F11 a certificate of another key is refused, and both files are named") {
    Store store;
    auto file = certificate_file(KeyKind::rsa, {.names = {"b.example"}, .common_name = "b"});
    file.public_key = tls::public_key_of(tls::shared_key(KeyKind::ecdsa_p256));
    CHECK(store.load(1, std::move(file)).error ==
          "/etc/b.pem: is not the certificate of the key /etc/b.key: install both from the same "
          "issue");
    CHECK_FALSE(store.certificates.has(1));
    CHECK(store.free.empty());
}

TEST_CASE(
    "what is no certificate, or was not opened, is refused by name; its dates are a warning") {
    Store store;
    links::CertificateFile file{"a.example", "/etc/a.pem", 0, "", tls::file_with("nothing"), {}};
    CHECK(store.load(1, std::move(file)).error.starts_with("/etc/a.pem: holds no certificate"));
    file = {"a.example", "/etc/a.pem", 0, "", UniqueFd(), {}};
    CHECK(store.load(2, std::move(file)).error == "/etc/a.pem: was not opened");
    file = certificate_file(KeyKind::rsa, {.names = {"b.example"}, .from = 3600, .until = 7200});
    const auto early = store.load(3, std::move(file));
    CHECK(early.error.empty());
    CHECK(early.warning.find("is not valid before") != std::string::npos);
}

TEST_CASE("a set that comes in several messages is judged as a whole") {
    Store store;
    const auto part = [](KeyKind kind, std::string host) {
        links::LoadCertificates message{5, {}, true};
        message.certificates.push_back(certificate_file(kind, {.names = {std::move(host)}}));
        return message;
    };
    const WallTime now = real_clock().wall();
    CHECK_FALSE(store.certificates.load(part(KeyKind::rsa, "a.example"), now));
    CHECK_FALSE(store.certificates.load(part(KeyKind::ed25519, "b.example"), now));
    CHECK_FALSE(store.certificates.has(5));
    const auto answer = store.certificates.load({5, {}, false}, now);
    REQUIRE(answer);
    REQUIRE(answer->certificates.size() == 2);
    CHECK(answer->certificates[1].host == "b.example");
    CHECK(store.certificates.has(5));
}

TEST_CASE("of two certificates with one kind of key for a host clients would see the first only") {
    Store store;
    links::LoadCertificates message{1, {}, false};
    for (const auto kind : {KeyKind::rsa, KeyKind::ecdsa_p256, KeyKind::rsa}) {
        message.certificates.push_back(certificate_file(kind, {.names = {"a.example"}}));
    }
    const auto answer = store.certificates.load(std::move(message), real_clock().wall());
    REQUIRE(answer);
    REQUIRE(answer->certificates.size() == 3);
    CHECK(answer->certificates[0].error.empty());
    CHECK(answer->certificates[1].error.empty());
    CHECK(answer->certificates[2].error.ends_with(
        ": a.example has a certificate with the same kind of key already; keep one"));
    CHECK_FALSE(store.certificates.has(1));
}

TEST_CASE("nothing can be shown before a set is used, nor from one without certificates") {
    Store store;
    CHECK_FALSE(store.certificates.ready());
    store.load(1, certificate_file(KeyKind::rsa, {.names = {"a.example"}}));
    CHECK_FALSE(store.certificates.begin_handshake());
    store.certificates.use(1);
    CHECK(store.certificates.ready());
    CHECK(store.certificates.begin_handshake());
    CHECK(store.certificates.load({2, {}, false}, real_clock().wall())->certificates.empty());
    store.certificates.use(2);
    CHECK_FALSE(store.certificates.ready());
    CHECK_FALSE(store.certificates.begin_handshake());
    CHECK(store.free == std::vector<std::uint64_t>{1});
}

TEST_CASE("a set is free when nobody holds it, and that is told once") {
    Store store;
    store.load(1, certificate_file(KeyKind::rsa, {.names = {"a.example"}}));
    store.certificates.use(1);
    auto first = store.certificates.begin_handshake();
    auto second = store.certificates.begin_handshake();
    store.load(2, certificate_file(KeyKind::rsa, {.names = {"a.example"}}));
    store.certificates.use(2);
    first.reset();
    CHECK(store.free.empty());
    second.reset();
    CHECK(store.free == std::vector<std::uint64_t>{1});
    store.certificates.use(2);
    CHECK(store.free.size() == 1);
}

// As the room does it, on a blocking socket; whether the handshake succeeds.
bool shake_hands_confined(links::CertificateFile file, const signer::KeyRing& keys, int socket) {
    Certificates certificates(
        {[&](const tls::SignRequest& request) -> Result<std::string> {
             auto done = keys.sign({1, request.key, request.scheme, std::string(request.text)});
             return done ? Result<std::string>(*done) : plain_error(done.error());
         },
         [] { return true; }, [](std::uint64_t) {}});
    if (!confine_calls(confinement())) return false;
    links::LoadCertificates set{1, {}, false};
    set.certificates.push_back(std::move(file));
    certificates.load(std::move(set), real_clock().wall());
    if (!certificates.has(1)) return false;
    certificates.use(1);
    auto layer = tls::Layer::server(certificates.begin_handshake()->context, socket);
    return layer && layer->handshake() == tls::Step::done;
}

TEST_CASE("what the room may do is enough for certificates and handshakes") {
    auto [ours, theirs] = connected_sockets(SOCK_STREAM);
    auto file = certificate_file(KeyKind::rsa, {.names = {"a.example"}});
    signer::KeyRing keys;
    const links::KeyFile key{file.key, "key",
                             tls::file_with(tls::pem_of(tls::shared_key(KeyKind::rsa))), "chain",
                             tls::any_chain()};
    REQUIRE(keys.load(1, key).error.empty());
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(shake_hands_confined(std::move(file), keys, ours.get()) ? 0 : 1);
    ours.reset();
    tls::RawClient client(std::move(theirs));
    while (!client.connected && client.error.empty()) client.advance();
    CHECK(client.error == "");
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("a handshake may outlive the store") {
    std::optional<Certificates::Handshake> handshake;
    {
        Store store;
        store.load(1, certificate_file(KeyKind::rsa, {.names = {"a.example"}}));
        store.certificates.use(1);
        handshake = store.certificates.begin_handshake();
    }
    handshake.reset();
}

}  // namespace
}  // namespace holdfast::smtpin
