// The room over real sockets, and the real program behind its confinement.
#include "smtpd/signer/room.h"

#include <algorithm>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/tls/remote_signer.h"
#include "tests/catch.h"
#include "tests/owned/acts.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/signer/signer_process.h"
#include "tests/smtpd/signer/texts.h"
#include "tests/smtpd/tls/ends.h"

using namespace holdfast;
using links::SignatureScheme;
using signer::SignerProcess;
using tls::KeyKind;

TEST_CASE("the confined program loads keys and signs real handshakes of every kind and version") {
    SignerProcess process;
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    process.load(1, tls::all_kinds);
    for (const KeyKind kind : tls::all_kinds) {
        const auto context = tls::server_context(
            {tls::certificate_for(kind, {"a.example"})},
            [&](const tls::SignRequest& request) { return remote.sign(request); });
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            tls::Connection connection(context, {.version = version});
            CHECK(connection.run());
        }
    }
    CHECK(process.end() == 0);
}

TEST_CASE("keys of an older generation sign until they are forgotten") {
    SignerProcess process;
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    const KeyKind kinds[] = {KeyKind::ed25519};
    process.load(1, kinds);
    process.load(2, kinds);
    const auto number = static_cast<std::uint32_t>(KeyKind::ed25519);
    const auto sign = [&](std::uint64_t generation) {
        const std::string text = signer::verify_text(32);
        return remote.sign({{generation, number}, SignatureScheme::ed25519, text}).has_value();
    };
    CHECK(sign(1));
    CHECK(sign(2));
    process.tell(links::ForgetKeys{1});
    REQUIRE(process.load(3, kinds).size() == 1);  // the order has been heard
    CHECK_FALSE(sign(1));
    CHECK(sign(2));
}

TEST_CASE("F11 a file that is no key is refused, and what was loaded serves on") {
    SignerProcess process;
    const KeyKind kinds[] = {KeyKind::rsa};
    process.load(1, kinds);
    std::vector<links::KeyFile> files;
    files.push_back({0, "/etc/new.pem", tls::file_with("half a fi"), "", tls::any_chain()});
    const auto refused = process.load(1, std::move(files));
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.starts_with("/etc/new.pem: holds no private key"));
    CHECK(refused[0].public_key.empty());
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    CHECK(remote.sign({{1, 0}, SignatureScheme::rsa_pss_sha256, signer::verify_text(32)}));
}

TEST_CASE("an smtpin that has been taken over gets no signature but a handshake's") {
    SignerProcess process;
    process.load(1, tls::all_kinds);
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    const std::string mail = "From: root@example.org\r\nSubject: signed with your key\r\n\r\n";
    for (const std::string& text : {mail, std::string(), std::string(130, ' '),
                                    signer::verify_text(20), signer::exchange_text(23, 64)}) {
        for (unsigned i = 0; i < links::enum_limit<SignatureScheme>; ++i) {
            for (std::uint32_t key = 0; key < 4; ++key) {
                const auto got = remote.sign({{1, key}, static_cast<SignatureScheme>(i), text});
                REQUIRE_FALSE(got);
                CHECK(got.error().text() ==
                      "the signer refuses: this is no handshake of a TLS server");
            }
        }
    }
    CHECK(remote.sign({{1, 3}, SignatureScheme::ed25519, signer::verify_text(32)}));
}

TEST_CASE("what an smtpin that has been taken over sends can't hurt the room") {
    SignerProcess process;
    process.load(1, tls::all_kinds);
    for (const std::string& garbage :
         {std::string(20, '\xff'), std::string(1, '\0'), std::string(70'000, 'x')}) {
        const UniqueFd channel = process.introduce(links::Room::smtpin);
        REQUIRE(send_packet(channel.get(), garbage));
        const auto packet = receive_packet(channel.get());
        CHECK((!packet || packet->bytes.empty()));
        CHECK(process.take_malformed() == links::Room::smtpin);
    }
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    CHECK(remote.sign({{1, 3}, SignatureScheme::ed25519, signer::verify_text(32)}));
}

TEST_CASE("the program is another user's, can't be traced, holds its keys in locked memory") {
    SignerProcess process;
    process.load(1, tls::all_kinds);
    CHECK(process.status_line("Uid").starts_with(std::to_string(SignerProcess::uid)));
    CHECK(process.status_line("NoNewPrivs") == "1");
    CHECK(process.status_line("Seccomp") == "2");
}

TEST_CASE("a peer that is not smtpin is not served") {
    SignerProcess process;
    const UniqueFd channel = process.introduce(links::Room::qmgr);
    const auto packet = receive_packet(channel.get());
    CHECK((!packet || packet->bytes.empty()));
}

TEST_CASE("the program ends when it is told to, and when the parent has gone") {
    SignerProcess process;
    SECTION("told") {
        CHECK(process.end() == 0);
    }
    SECTION("alone") {
        process.abandon();
        CHECK(process.wait() == 0);
    }
}

TEST_CASE("F01 an orphan signs for the smtpin that still serves, and ends with it") {
    SignerProcess process;
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    const KeyKind kinds[] = {KeyKind::ed25519};
    process.load(1, kinds);
    process.abandon();
    const auto number = static_cast<std::uint32_t>(KeyKind::ed25519);
    const std::string text = signer::verify_text(32);
    for (int i = 0; i < 2; ++i) {  // the second is certain to come after the parent's end
        CHECK(remote.sign({{1, number}, SignatureScheme::ed25519, text}));
    }
    remote.replace({});
    CHECK(process.wait() == 0);
}

namespace {

// The status with which a child ends that is confined like a room and then does this.
int confined(const Confinement& confinement, const std::function<int()>& inside) {
    const pid_t child = fork();
    if (child == 0) {
        links::Start start;
        start.privileged = true;
        start.uid = start.gid = SignerProcess::uid;
        _exit(confine(start, confinement) ? inside() : 98);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

// A sanitizer's run time needs calls that the acts are made of.
#ifndef HOLDFAST_SANITIZED
TEST_CASE("a signer that has been taken over can open, run, trace and reach nothing") {
    const SignerProcess victim;  // of the same user
    const auto try_everything = [&] {
        for (const auto& act : owned::perform_acts({victim.pid(), "/dev/shm", ""})) {
            if (act.worked) return 1;
        }
        return 0;
    };
    CHECK(confined(signer::confinement(), try_everything) == 0);
}
#endif

#ifndef HOLDFAST_SANITIZED
TEST_CASE("F10 a smtpin that has been taken over reads no key file, and nothing of signer") {
    SignerProcess process;
    process.load(1, tls::all_kinds);
    char key[] = "/dev/shm/holdfast-key-XXXXXX";  // of root, for root alone
    const UniqueFd file(mkstemp(key));
    REQUIRE(file);
    const auto try_everything = [&] {
        for (const auto& act : owned::perform_acts({process.pid(), "/dev/shm", "", key})) {
            if (act.worked) return 1;
        }
        return 0;
    };
    CHECK(confined({{Power::accept}, {}, {}}, try_everything) == 0);
    unlink(key);
}
#endif

TEST_CASE("a room that may accept connections and nothing else speaks TLS") {
    tls::LocalKeys keys;
    const auto certificate = tls::certificate_for(KeyKind::ecdsa_p256, {"a.example"});
    const auto shake_hands = [&] {
        const auto own = tls::CryptoLibrary::make();
        if (!own) return 1;
        const auto context = tls::ServerContext::make({*own, {certificate}, {{}}, keys.function()});
        if (!context) return 2;
        return tls::Connection(*context).run() ? 0 : 3;
    };
    CHECK(confined({{Power::accept}, {}, {}}, shake_hands) == 0);
}

namespace {

// Nanoseconds that a process, or this one, has had the processor for.
double processor_time(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    return nanoseconds;
}

}  // namespace

// Not a test: what a handshake costs (run with "[bench]"), both ends and the signer together.
TEST_CASE("cost of a handshake with the signer and with a key in this process", "[.][bench]") {
    SignerProcess process;
    process.load(1, tls::all_kinds);
    tls::RemoteSigner remote;
    remote.replace(process.introduce(links::Room::smtpin));
    tls::LocalKeys local;
    const std::string signer_pid = std::to_string(process.pid());
    for (const KeyKind kind : {KeyKind::ecdsa_p256, KeyKind::rsa}) {
        const auto certificate = tls::certificate_for(kind, {"a.example"});
        const auto through = tls::server_context(
            {certificate}, [&](const tls::SignRequest& request) { return remote.sign(request); });
        const auto before = std::chrono::steady_clock::now();
        const auto inside = tls::server_context({certificate}, local.function());
        const std::chrono::duration<double, std::micro> made =
            std::chrono::steady_clock::now() - before;
        WARN("a context is made in us " << made.count());
        for (int round = 0; round < 5; ++round) {
            for (const auto* context : {&through, &inside}) {
                constexpr int count = 200;
                const double ours = processor_time("self");
                const double theirs = processor_time(signer_pid);
                std::vector<double> times;
                for (int i = 0; i < count; ++i) {
                    const auto begin = std::chrono::steady_clock::now();
                    tls::Connection connection(*context, {.version = TLS1_3_VERSION});
                    REQUIRE(connection.run());
                    const std::chrono::duration<double, std::micro> time =
                        std::chrono::steady_clock::now() - begin;
                    times.push_back(time.count());
                }
                std::ranges::sort(times);
                WARN((kind == KeyKind::rsa ? "RSA-2048 " : "P-256 ")
                     << (context == &through ? "signer" : "local") << ": median us "
                     << times[count / 2] << ", least " << times[0] << ", processor here "
                     << (processor_time("self") - ours) / count / 1000 << ", in signer "
                     << (processor_time(signer_pid) - theirs) / count / 1000);
            }
        }
    }
}
