// Clients that send without end (F21) or hardly anything (F22).
#include <algorithm>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Bytes that this process has ever held, at least; ASan's quarantine is among them.
long peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

constexpr long memory_bound = 400L << 20;

TEST_CASE("F21 a line of 1 GiB in a body costs a window at most") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    const long before = peak_memory();
    const std::string block(32 * 1024, 'x');
    std::size_t sent = 0;
    std::size_t held = 0;
    for (; sent < std::size_t{1} << 30; sent += block.size()) {
        dialogue.send(block);
        held = std::max(held, dialogue.unused_input());
        answer_all(dialogue);
    }
    CHECK(held <= block.size());
    dialogue.send("\r\n.\r\n");
    dialogue.play("S: 552 5.3.4 *");
    CHECK(peak_memory() - before < memory_bound);
}

TEST_CASE("F21 a command line of 1 GiB is thrown away as it comes") {
    Dialogue dialogue;
    dialogue.take_replies();
    const long before = peak_memory();
    const std::string block(32 * 1024, 'x');
    for (std::size_t sent = 0; sent < std::size_t{1} << 30; sent += block.size()) {
        dialogue.send(block);
        REQUIRE(dialogue.unused_input() == 0);
    }
    dialogue.play(R"(
        C: end of it
        S: 500 5.5.6 line too long
        C: NOOP
        S: 250 *
    )");
    CHECK(peak_memory() - before < memory_bound);
}

TEST_CASE("F21 replies to pipelined commands go out before there are many") {
    Dialogue dialogue;
    dialogue.take_replies();
    std::string input;
    for (int i = 0; i < 4000; ++i) input += "EHLO x\r\n";
    std::size_t greeted = 0;
    while (!input.empty()) {
        const Actions actions = dialogue.session().on_input(input, dialogue.now());
        REQUIRE(actions.used > 0);
        REQUIRE(actions.for_client.size() < 10'000);
        input.erase(0, actions.used);
        greeted += static_cast<std::size_t>(std::ranges::count(actions.for_client, '\n'));
    }
    CHECK(greeted == 4000 * 5);
}

TEST_CASE("F21 of a million recipients as many as are allowed are kept") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    dialogue.take_replies();
    const long before = peak_memory();
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::string batch;
    for (int i = 0; i < 1000; ++i) batch += "RCPT TO:<b@mx.example>\r\n";
    for (int i = 0; i < 1000; ++i) {
        dialogue.send(batch);
        answer_all(dialogue);
        for (const std::string& reply : dialogue.take_replies()) {
            ++(reply.starts_with("250 ") ? accepted : refused);
        }
    }
    CHECK(accepted == 100);
    CHECK(refused == 999'900);
    CHECK(dialogue.unused_input() == 0);
    CHECK(peak_memory() - before < memory_bound);
    dialogue.play("C: DATA\n S: 354 *");
}

TEST_CASE("F21 a hundred thousand header fields stream through") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    for (int i = 0; i < 100'000; ++i) {
        dialogue.send("X-Field-" + std::to_string(i) + ": received: x\r\n");
        answer_all(dialogue);
    }
    dialogue.send(".\r\n");
    answer_all(dialogue);
    dialogue.play("S: 250 *");
}

// Sends a byte a minute until the server hangs up; returns how long it bore it.
Duration endured(Dialogue& dialogue, char byte) {
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < hours(30));
        if (dialogue.session().takes_input()) dialogue.send(std::string(1, byte));
        answer_all(dialogue);
        dialogue.pass_time(minutes(1));
    }
    CHECK(dialogue.take_replies().back() == "421 4.4.2 mx.example timed out");
    return dialogue.now().mono - start;
}

TEST_CASE("F22 a byte a minute holds no session open, whatever its state") {
    Dialogue dialogue;
    SECTION("before HELO") {
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("between transactions") {
        dialogue.send("EHLO c.example\r\n");
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("behind MAIL") {
        dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("in a line that is too long") {
        dialogue.send(std::string(5000, 'x'));
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("in a body") {
        open_body(dialogue);
        CHECK(endured(dialogue, 'x') == minutes(11));
    }
    SECTION("in a body that will be refused") {
        open_body(dialogue);
        dialogue.send(std::string(3000, 'x'));
        CHECK(endured(dialogue, 'x') <= minutes(11));
    }
}

TEST_CASE("F22 whole commands now and then do not hold a session open either") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\n");
    std::string command;
    SECTION("NOOP") {
        command = "NOOP\r\n";
    }
    SECTION("EHLO") {
        command = "EHLO c.example\r\n";
    }
    SECTION("MAIL and RSET") {
        command = "MAIL FROM:<a@c.example>\r\nRSET\r\n";
    }
    SECTION("a transaction that is always refused") {
        command = "MAIL FROM:<a@c.example>\r\nDATA\r\nMAIL FROM:<a@c.example>\r\nRSET\r\n";
    }
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < minutes(20));
        dialogue.send(command);
        dialogue.pass_time(minutes(1));
    }
    CHECK(dialogue.now().mono - start >= minutes(5));
}

TEST_CASE("F22 recipients without end do not hold a transaction open") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < hours(2));
        dialogue.send("RCPT TO:<b@mx.example>\r\n");
        answer_all(dialogue);
        dialogue.pass_time(minutes(4));
    }
    CHECK(dialogue.now().mono - start == hours(1));
}

TEST_CASE("F22 a body that comes slowly but steadily is taken") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    for (int i = 0; i < 50; ++i) {
        dialogue.send(std::string(64 * 1024, 'x'));
        answer_all(dialogue);
        dialogue.pass_time(minutes(1));
        REQUIRE_FALSE(dialogue.closed());
    }
    dialogue.send("\r\n.\r\n");
    answer_all(dialogue);
    dialogue.play("S: 250 *");
}

TEST_CASE("F22 a session that delivers is not limited in all") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\n");
    for (int i = 0; i < 100; ++i) {
        dialogue.send("MAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
        answer_all(dialogue);
        dialogue.send(".\r\n");
        answer_all(dialogue);
        dialogue.pass_time(minutes(4));
        REQUIRE_FALSE(dialogue.closed());
    }
}

TEST_CASE("F22 a body without a byte is given up earlier, and its message taken back") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    dialogue.send(std::string(100'000, 'x'));
    dialogue.take_frames();
    dialogue.pass_time(minutes(3) - seconds(1));
    CHECK_FALSE(dialogue.closed());
    dialogue.pass_time(seconds(1));
    CHECK(dialogue.closed());
    const auto frames = dialogue.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(std::holds_alternative<links::Abort>(frames[0]));
    CHECK(dialogue.take_replies().back() == "421 4.4.2 mx.example timed out");
}

}  // namespace
}  // namespace holdfast::smtpin
