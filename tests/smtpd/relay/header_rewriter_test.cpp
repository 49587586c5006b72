#include "smtpd/relay/header_rewriter.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::relay;

namespace {

const links::RewritePlan from{"me@example.com", "", {}};
const links::RewritePlan masquerade{"", "example.com", {"host.lan", "other.lan"}};
const links::RewritePlan both{"me@example.com", "example.com", {"host.lan"}};

std::string rewritten(const links::RewritePlan& plan, std::string_view text,
                      std::size_t step = 100'000) {
    HeaderRewriter rewriter(plan);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        out += rewriter.feed(text.substr(at, step));
    }
    return out + rewriter.finish();
}

struct Row {
    const char* value;
    const char* becomes;
};

}  // namespace

TEST_CASE("with from, a From field keeps its name and gets the address") {
    const std::vector<Row> rows{
        {" Bob <bob@x>", " Bob <me@example.com>"},
        {" Bob B. Builder <bob@x>", " Bob B. Builder <me@example.com>"},
        {" \"B, \\\"b\\\"\" <bob@x>", " \"B, \\\"b\\\"\" <me@example.com>"},
        {" =?utf-8?q?M=C3=BC?= <bob@x>", " =?utf-8?q?M=C3=BC?= <me@example.com>"},
        {" M\xc3\xbcller <bob@x>", " M\xc3\xbcller <me@example.com>"},
        {"\n Bob\n\t<@r1,@r2:bob@x>", "\n Bob\n\t<me@example.com>"},
        {" (c) Bob (d) <bob@x> (e)", " (c) Bob (d) <me@example.com> (e)"},
        {" root (Cron Daemon)", " <me@example.com> (Cron Daemon)"},
        {"\"(Cron Daemon)\" <root>", "\"(Cron Daemon)\" <me@example.com>"},
        {" bob@x", " \"bob@x\" <me@example.com>"},
        {" <bob@x>", " \"bob@x\" <me@example.com>"},
        {"bob", " bob <me@example.com>"},
        {" \"a b\"@x", " \"\\\"a b\\\"@x\" <me@example.com>"},
        {" Bob bob@x", " \"Bob bob@x\" <me@example.com>"},
        {" g: bob@x;", " \"g: bob@x;\" <me@example.com>"},
        {" , Bob <bob@x>", " \", Bob <bob@x>\" <me@example.com>"},
        {" g: Bob <bob@x>", " \"g: Bob <bob@x>\" <me@example.com>"},
        {" a@x, B <b@y>", " me@example.com"},
        {" B <b@y>, broken@", " me@example.com"},
        {" John Smith", " John Smith <me@example.com>"},
        {" bob@x@y", " \"bob@x@y\" <me@example.com>"},
        {" nobody:;", " \"nobody:;\" <me@example.com>"},
        {" g: me@example.com;", " g: me@example.com;"},
        {"me@example.com (me)", "me@example.com (me)"},
        {"", " me@example.com"},
        {" \n ", " me@example.com"},
    };
    for (const Row& row : rows) {
        INFO(row.value);
        for (const char* name : {"From:", "resent-FROM :"}) {
            const std::string front = "To: <bob@x>\n" + std::string(name);
            const std::string back = "\nSubject: Bob\n\nFrom: bob@x\n";
            CHECK(rewritten(from, front + row.value + back) == front + row.becomes + back);
        }
    }
}

TEST_CASE("with from, senders go and one From field stays") {
    CHECK(rewritten(from,
                    "From: a@x\nSender: b@x\n (b)\nfrom: c@x\nResent-From: r <d@x>\n"
                    "Resent-Sender: e@x\nResent-From: f <g@x>\nReply-To: h@x\n\nSender: x\n") ==
          "From: \"a@x\" <me@example.com>\nResent-From: r <me@example.com>\n"
          "Resent-From: f <me@example.com>\nReply-To: h@x\n\nSender: x\n");
}

TEST_CASE("a message without a header, or with nothing else, is no trouble") {
    for (const char* text :
         {"", "\n", "\n\n", "no header\nFrom: a@host.lan\n", " From: a@host.lan\n", "Subject: x\n",
          "Subject: x", "Subject: x\nno field\nFrom: a@x\n"}) {
        CHECK(rewritten(both, text) == text);
        CHECK(rewritten(links::RewritePlan(), text, 1) == text);
    }
    CHECK(rewritten(from, "From: a <b@x>") == "From: a <me@example.com>");
    CHECK(rewritten(from, "From: a <b@x>\nno field\n") == "From: a <me@example.com>\nno field\n");
    CHECK(rewritten(from, "Sender: a <b@x>\n") == "");
    CHECK(rewritten(from, "Sender: a@x\nFrom b\nSender: c@x\n") == "\nFrom b\nSender: c@x\n");
}

TEST_CASE("mbox lines before the header hide nothing from the plan") {
    CHECK(rewritten(masquerade, "From a@host.lan Mon\n>From b\nFrom: a@host.lan\n\n") ==
          "From a@host.lan Mon\n>From b\nFrom: a@example.com\n\n");
}

TEST_CASE("masquerade changes local domains where they stand, and nothing else") {
    const std::vector<Row> rows{
        {" bob@host.lan", " bob@example.com"},
        {" Bob <bob@Host.LAN>", " Bob <bob@example.com>"},
        {"\n a@host.lan ,\n\tb@x (c@host.lan),\n <d@other.lan>(e)",
         "\n a@example.com ,\n\tb@x (c@host.lan),\n <d@example.com>(e)"},
        {" \"a@host.lan\" <\"b@host.lan\"@host.lan>",
         " \"a@host.lan\" <\"b@host.lan\"@example.com>"},
        {" bob (c) @ (d@host.lan) host.lan (f)", " bob (c) @ (d@host.lan) example.com (f)"},
        {" g: a@host.lan, b@y; , <@host.lan:c@host.lan>",
         " g: a@example.com, b@y; , <@host.lan:c@example.com>"},
        {" a@www.host.lan, b@ost.lan, c@host.lan.x, root",
         " a@www.host.lan, b@ost.lan, c@host.lan.x, root"},
        {" =?utf-8?q?=40host.lan?= <a@host.lan>", " =?utf-8?q?=40host.lan?= <a@example.com>"},
        {" broken <a@host.lan", " broken <a@host.lan"},
        {" a@b@host.lan, c@host.lan", " a@b@host.lan, c@example.com"},
        {" a@[192.0.2.1]", " a@[192.0.2.1]"},
    };
    for (const Row& row : rows) {
        INFO(row.value);
        for (const char* name :
             {"From:", "SENDER:", "Reply-To:", "Resent-From:", "Resent-Sender:",
              "Resent-Reply-To :", "Return-Receipt-To:", "Disposition-Notification-To:"}) {
            const std::string front = "X: y\n" + std::string(name);
            const std::string back = "\nX: z\n\nFrom: a@host.lan\n";
            CHECK(rewritten(masquerade, front + row.value + back) == front + row.becomes + back);
        }
    }
}

TEST_CASE("masquerade leaves other fields alone") {
    const std::string text =
        "To: a@host.lan\nCc: a@host.lan\nMessage-ID: <a@host.lan>\nReceived: by host.lan\n"
        "X-From: a@host.lan\nReturn-Path: <a@host.lan>\n\n";
    CHECK(rewritten(masquerade, text) == text);
}

TEST_CASE("with both, from decides about authors and masquerade about the rest") {
    CHECK(rewritten(both, "Reply-To: a@host.lan\nFrom: B <b@host.lan>\nSender: c@host.lan\n\n") ==
          "Reply-To: a@example.com\nFrom: B <me@example.com>\n\n");
}

TEST_CASE("the sender of the envelope follows the plan, the null sender stays") {
    CHECK(rewrite_sender(links::RewritePlan(), "a@host.lan") == "a@host.lan");
    CHECK(rewrite_sender(from, "a@x") == "me@example.com");
    CHECK(rewrite_sender(from, "").empty());
    CHECK(rewrite_sender(masquerade, "").empty());
    CHECK(rewrite_sender(masquerade, "a@HOST.lan") == "a@example.com");
    CHECK(rewrite_sender(masquerade, "\"a@x\"@other.lan") == "\"a@x\"@example.com");
    CHECK(rewrite_sender(masquerade, "a@www.host.lan") == "a@www.host.lan");
    CHECK(rewrite_sender(masquerade, "root") == "root");
    CHECK(rewrite_sender(both, "a@host.lan") == "me@example.com");
}

TEST_CASE("where a message is cut makes no difference to its header") {
    const std::string text =
        "From x\nFrom:\n A <a@host.lan>,\n b@y\nSubject: x\nSender: <b@host.lan>\n\nFrom: "
        "a@host.lan\n";
    for (const links::RewritePlan& plan : {from, masquerade, both}) {
        const std::string whole = rewritten(plan, text);
        CHECK(whole != text);
        for (std::size_t step = 1; step < text.size(); ++step) {
            CHECK(rewritten(plan, text, step) == whole);
        }
    }
}

TEST_CASE("F21 a field that is too large passes as it came, in pieces, and others are still seen") {
    std::string large = "Reply-To: a@host.lan";
    while (large.size() <= FieldCollector::max_field) large += ",\n a@host.lan";
    const std::string text = "From: a@host.lan\n" + large + "\nSender: b@host.lan\n\nbody\n";
    const std::string expected =
        "From: a@example.com\n" + large + "\nSender: b@example.com\n\nbody\n";
    CHECK(rewritten(masquerade, text) == expected);
    CHECK(rewritten(masquerade, text, 1) == expected);

    HeaderRewriter rewriter(masquerade);
    std::size_t in = 0;
    std::size_t out = 0;
    const std::string line(100'000, 'x');
    for (const std::string& piece : {std::string("Reply-To: "), line, line, line}) {
        in += piece.size();
        out += rewriter.feed(piece).size();
        CHECK(in - out <= FieldCollector::max_field);
    }
}

TEST_CASE("a field just within the limit is rewritten") {
    const std::string tail = " <a@host.lan>\n";
    const std::string text =
        "From: " + std::string(FieldCollector::max_field - 6 - tail.size(), 'x') + tail + "\n";
    CHECK(rewritten(masquerade, text).ends_with(" <a@example.com>\n\n"));
    CHECK(rewritten(masquerade, "X" + text) == "X" + text);
}
