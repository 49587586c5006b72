// A reload or restart under a session: nothing shows until the patience ends, and a transaction
// is never cut in two before the last limit.
#include <string>

#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view farewell = R"(
    S: 421 4.3.2 mx.example is restarting; connect again
    S: closed
)";

// The script, and then the end of the session.
void play_to_the_end(Dialogue& dialogue, std::string_view script) {
    dialogue.play(std::string(script).append(farewell));
}

TEST_CASE("without patience a session ends at once between two transactions") {
    Dialogue dialogue;
    SECTION("before anything") {
        play_to_the_end(dialogue, "S: 220 *\n X: drain");
    }
    SECTION("after EHLO") {
        dialogue.play(hello);
        play_to_the_end(dialogue, "X: drain");
    }
    SECTION("in the middle of a command") {
        dialogue.play(hello);
        play_to_the_end(dialogue, "C~ NOO\n X: drain");
    }
    SECTION("when the patience that an earlier drain left is taken back") {
        dialogue.play(hello);
        play_to_the_end(dialogue, "X: drain 300\n T: 10\n S: nothing\n X: drain");
    }
    CHECK(std::get<Ended>(dialogue.facts().back()).reason == Reason::draining);
}

TEST_CASE("without patience a session still finishes its transaction") {
    Dialogue dialogue;
    dialogue.play(hello);
    SECTION("one that is in its body") {
        dialogue.play(to_data);
        play_to_the_end(dialogue, R"(
            X: drain
            C: Subject: x
            X: drain
            C| .
            C: MAIL FROM:<a@client.example>
            Q: message
            A: committed
            S: 250 2.0.0 *
        )");
    }
    SECTION("one that the client gives up") {
        play_to_the_end(dialogue, R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain
            C: RSET
            S: 250 2.0.0 Ok
        )");
    }
}

TEST_CASE("while patience lasts a session goes on as ever, in each of its states") {
    Dialogue dialogue;
    dialogue.play("S: 220 *");
    SECTION("before EHLO") {
        dialogue.play("X: drain 300\n S: nothing\n C: NOOP\n S: 250 *");
    }
    SECTION("with as many transactions as it likes") {
        dialogue.play("C: HELO client.example\n S: 250 mx.example\n X: drain 300");
        for (int i = 0; i < 4; ++i) {
            dialogue.play(transaction);
            dialogue.play("T: 60");
        }
    }
    SECTION("in the middle of a command") {
        dialogue.play("C~ NO\n X: drain 300\n T: 60\n C~ OP\\r\\n\n S: 250 *");
    }
    SECTION("between commands that come in one piece") {
        dialogue.play(R"(
            C: HELO client.example
            S: 250 mx.example
            X: drain 300
            C| MAIL FROM:<a@client.example>
            C| RSET
            C| MAIL FROM:<c@client.example>
            C: RSET
            S: 250 2.1.0 Ok
            S: 250 2.0.0 Ok
            S: 250 2.1.0 Ok
            S: 250 2.0.0 Ok
        )");
    }
    SECTION("until it says QUIT") {
        dialogue.play("X: drain 300\n C: QUIT\n S: 221 *\n S: closed");
        return;
    }
    CHECK_FALSE(dialogue.closed());
    dialogue.play("C: NOOP\n S: 250 *");
}

TEST_CASE("when patience ends a session is told so between two transactions, not earlier") {
    Dialogue dialogue;
    dialogue.play("S: 220 *");
    SECTION("before EHLO") {
        play_to_the_end(dialogue, "X: drain 200\n T: 199\n S: nothing\n T: 1");
    }
    SECTION("idle after EHLO") {
        dialogue.play("C: HELO client.example\n S: 250 mx.example");
        play_to_the_end(dialogue, "X: drain 200\n T: 199\n S: nothing\n T: 1");
    }
    SECTION("idle after a transaction") {
        dialogue.play("C: HELO client.example\n S: 250 mx.example\n X: drain 200");
        dialogue.play(transaction);
        play_to_the_end(dialogue, "T: 199\n S: nothing\n T: 1");
    }
    SECTION("in the middle of a command") {
        dialogue.play("C: HELO client.example\n S: 250 mx.example");
        play_to_the_end(dialogue, "X: drain 200\n C~ MAIL FR\n T: 199\n S: nothing\n T: 1");
    }
    CHECK(std::get<Ended>(dialogue.facts().back()).reason == Reason::draining);
}

TEST_CASE("a transaction that is open when patience ends is finished, and then the session") {
    Dialogue dialogue;
    dialogue.play(hello);
    SECTION("behind MAIL") {
        play_to_the_end(dialogue, R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain 100
            T: 100
            S: nothing
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
            C: DATA
            S: 354 *
            C: .
            Q: message
            A: committed
            S: 250 2.0.0 *
        )");
    }
    SECTION("while qmgr is asked about a recipient") {
        play_to_the_end(dialogue, R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain 100
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            T: 100
            S: nothing
            A: yes
            S: 250 2.1.5 Ok
            C| RSET
            C: MAIL FROM:<a@client.example>
            S: 250 2.0.0 Ok
        )");
    }
    SECTION("in its body") {
        dialogue.play(to_data);
        play_to_the_end(dialogue, R"(
            X: drain 100
            C: Subject: x
            T: 100
            C: more
            T: 100
            S: nothing
            C: .
            Q: message
            A: committed
            S: 250 2.0.0 *
        )");
    }
    SECTION("while it is committed, and is refused in the end") {
        dialogue.play(to_data);
        play_to_the_end(dialogue, R"(
            X: drain 100
            C: .
            Q: message
            T: 100
            S: nothing
            A: rejected 452 4.3.1 full
            S: 452 4.3.1 full
        )");
    }
    SECTION("given up by another EHLO") {
        play_to_the_end(dialogue, R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain 100
            T: 100
            C: HELO client.example
            S: 250 mx.example
        )");
    }
}

TEST_CASE("what of a pipelined batch lies behind the last transaction is not begun") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(to_data);
    play_to_the_end(dialogue, R"(
        X: drain 100
        T: 100
        C| .
        C| MAIL FROM:<a@client.example>
        C| RCPT TO:<b@mx.example>
        C: DATA
        Q: message
        A: committed
        S: 250 2.0.0 *
    )");
}

TEST_CASE("the last limit cuts off a transaction behind MAIL") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play("C: MAIL FROM:<a@client.example>\n S: 250 2.1.0 Ok\n X: drain 300");
    for (int i = 0; i < 3; ++i) {
        dialogue.play(R"(
            T: 225
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
        )");
    }
    play_to_the_end(dialogue, "T: 224\n S: nothing\n T: 1");
}

TEST_CASE("the last limit cuts off a body, and takes its message back") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    dialogue.play("X: drain 300");
    for (int i = 0; i < 9; ++i) {
        REQUIRE_FALSE(dialogue.closed());
        dialogue.send(std::string(64 * 1024, 'x'));
        answer_all(dialogue);
        dialogue.pass_time(seconds(i < 8 ? 100 : 99));
    }
    dialogue.play("S: nothing");
    dialogue.pass_time(seconds(1));
    CHECK(dialogue.take_replies().back() == "421 4.3.2 mx.example is restarting; connect again");
    CHECK(dialogue.closed());
    const auto frames = dialogue.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(std::holds_alternative<links::Abort>(frames[0]));
}

TEST_CASE("a session that begins while the room drains is greeted, unless patience has ended") {
    const Policy policy = test_policy();
    const Moment now{MonoTime(std::chrono::hours(1)), {}};
    SmtpSession session(policy, 1, {"[192.0.2.1]", "[192.0.2.1]:1"}, now.mono);
    SECTION("in time") {
        const Grace grace{now.mono + minutes(5), now.mono + minutes(15)};
        CHECK(session.on_drain(grace, now).for_client.empty());
        CHECK(session.begin(SmtpSession::Queue::present, now).for_client.starts_with("220 "));
        CHECK(session.deadline() == now.mono + minutes(5));
    }
    SECTION("too late") {
        const Actions actions = session.on_drain({now.mono, now.mono + minutes(15)}, now);
        CHECK(actions.for_client == "421 4.3.2 mx.example is restarting; connect again\r\n");
        CHECK(actions.finish);
        const Actions greeting = session.begin(SmtpSession::Queue::present, now);
        CHECK(greeting.for_client.empty());
        CHECK(greeting.finish);
    }
}

}  // namespace
}  // namespace holdfast::smtpin
