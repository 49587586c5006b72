// The client's half of the link to signer: right answers, none, late ones and wrong ones.
#include "smtpd/tls/remote_signer.h"

#include <thread>

#include <sys/socket.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using tls::RemoteSigner;

namespace {

const tls::SignRequest question{{1, 2}, links::SignatureScheme::ed25519, "text"};

void send_frames(int socket, const std::vector<links::Signed>& answers) {
    std::string packet;
    for (const links::Signed& answer : answers) {
        links::Encoder encoder;
        encoder.put_frame(links::SignerToSmtpin(answer));
        append_frame(packet, encoder.bytes);
    }
    REQUIRE(send_packet(socket, packet));
}

links::Sign receive_question(int socket) {
    const auto packet = receive_packet(socket);
    REQUIRE(packet);
    std::string_view rest = packet->bytes;
    links::Decoder decoder(*take_frame(rest), {}, links::Tail::strict);
    return std::get<links::Sign>(*decoder.take_frame<links::SmtpinToSigner>());
}

// A signer's end; blocking.
UniqueFd connect_to(RemoteSigner& signer) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    signer.replace(UniqueFd(ends[0]));
    return UniqueFd(ends[1]);
}

std::string error_of(const Result<std::string>& result) {
    return result ? "" : result.error().text();
}

constexpr Duration short_patience = std::chrono::milliseconds(50);

}  // namespace

TEST_CASE("a question is answered with a signature or a refusal") {
    RemoteSigner signer;
    const UniqueFd far = connect_to(signer);
    std::jthread answering([&] {
        const auto first = receive_question(far.get());
        send_frames(far.get(), {{first.request, first.text + " signed", {}}});
        const auto second = receive_question(far.get());
        send_frames(far.get(), {{second.request, {}, "not this"}});
    });
    CHECK(*signer.sign(question) == "text signed");
    CHECK(error_of(signer.sign(question)) == "the signer refuses: not this");
}

TEST_CASE("a signer that is not there, or goes, costs no time") {
    RemoteSigner signer(std::chrono::hours(1));
    CHECK(error_of(signer.sign(question)) == "the signer is not there");
    UniqueFd far = connect_to(signer);
    std::jthread leaving([&] {
        receive_question(far.get());
        far.reset();
    });
    CHECK(error_of(signer.sign(question)) == "the signer has gone");
    CHECK(error_of(signer.sign(question)) == "the signer is not there");
    CHECK_FALSE(signer.take_failed());
}

TEST_CASE("a signer that had gone before the question is noticed at once") {
    RemoteSigner signer(std::chrono::hours(1));
    connect_to(signer).reset();
    CHECK(error_of(signer.sign(question)).starts_with("ask the signer: send packet: Broken pipe"));
}

TEST_CASE("whether signer is there shows without a question") {
    RemoteSigner signer;
    CHECK_FALSE(signer.present());
    UniqueFd far = connect_to(signer);
    CHECK(signer.present());
    far.reset();
    CHECK_FALSE(signer.present());
    signer.replace(UniqueFd());
    CHECK_FALSE(signer.present());
}

TEST_CASE("a late signer fails one handshake, loses its channel, and is told of once") {
    RemoteSigner signer(short_patience);
    const UniqueFd far = connect_to(signer);
    CHECK(error_of(signer.sign(question)) == "the signer did not answer within 50ms");
    CHECK_FALSE(signer.present());
    CHECK(error_of(signer.sign(question)) == "the signer is not there");
    CHECK(signer.take_failed());
    CHECK_FALSE(signer.take_failed());
}

TEST_CASE("after a respawn the new channel serves") {
    RemoteSigner signer(short_patience);
    const UniqueFd old = connect_to(signer);
    CHECK_FALSE(signer.sign(question));
    const UniqueFd fresh = connect_to(signer);
    std::jthread answering([&] {
        const auto next = receive_question(fresh.get());
        send_frames(fresh.get(), {{next.request, "again", {}}});
    });
    CHECK(*signer.sign(question) == "again");
}

TEST_CASE("a signer that breaks the rules loses its channel, and is told of once") {
    RemoteSigner signer(std::chrono::hours(1));
    const UniqueFd far = connect_to(signer);
    std::jthread answering([&] {
        const auto asked = receive_question(far.get());
        const auto break_rules = [&](int way) {
            if (way == 0) REQUIRE(send_packet(far.get(), "\xff\xff\xff\xff"));
            if (way == 1) send_frames(far.get(), {{asked.request + 1, "x", {}}});
            if (way == 2)
                send_frames(far.get(), {{asked.request, "x", {}}, {asked.request, "y", {}}});
        };
        static int ways = 0;
        break_rules(ways++);
    });
    SECTION("nonsense") {}
    SECTION("an answer to nothing") {}
    SECTION("two answers") {}
    CHECK(error_of(signer.sign(question)) == "the signer broke the rules of its link");
    CHECK(signer.take_failed());
    CHECK_FALSE(signer.take_failed());
    CHECK(error_of(signer.sign(question)) == "the signer is not there");
}

TEST_CASE("a text that fits into no packet is refused here") {
    RemoteSigner signer;
    const UniqueFd far = connect_to(signer);
    const std::string text(max_packet, 'x');
    CHECK(error_of(signer.sign({{}, {}, text})) == "a text too long for the signer");
}
