#include "smtpd/relay/outgoing_body.h"

#include <string>

#include "smtpd/mail/data_decoder.h"
#include "tests/catch.h"
#include "tests/smtpd/relay/mime_oracle.h"

using namespace holdfast;
using namespace holdfast::relay;

namespace {

const links::RewritePlan no_plan;
const links::RewritePlan plan{"me@example.com", "example.com", {"host.lan"}};

MessageFacts scan(const links::RewritePlan& rewrite, std::string_view text, std::size_t step) {
    OutgoingScan scan(rewrite);
    for (std::size_t at = 0; at < text.size(); at += step) scan.feed(text.substr(at, step));
    return scan.finish();
}

struct Sent {
    std::string before;
    std::string end;
};

Sent send(const links::RewritePlan& rewrite, std::string_view text, OutgoingForm form,
          std::size_t step = 1000) {
    OutgoingBody body(rewrite, scan(rewrite, text, step), form);
    Sent sent;
    for (std::size_t at = 0; at < text.size(); at += step) {
        sent.before += body.feed(text.substr(at, step));
    }
    sent.before += body.flush();
    sent.end = body.finish();
    CHECK(body.chunks() == (form.wire == WireForm::chunked ? 1 : 0));
    return sent;
}

}  // namespace

TEST_CASE("a message that needs nothing differs by its line ends and its end alone") {
    const std::string text = "From: a@x\nSubject: x\n\n.\nbody";
    for (std::size_t step = 1; step < 10; ++step) {
        const Sent sent = send(no_plan, text, {WireForm::dotted, Octets::seven_bit}, step);
        CHECK(sent.before == "From: a@x\r\nSubject: x\r\n\r\n..\r\nbody");
        CHECK(sent.end == "\r\n.\r\n");
        const Sent chunked = send(no_plan, text, {WireForm::chunked, Octets::seven_bit}, step);
        CHECK(chunked.before.empty());
        CHECK(chunked.end == "BDAT 34 LAST\r\nFrom: a@x\r\nSubject: x\r\n\r\n.\r\nbody\r\n");
    }
}

TEST_CASE("what ends with its header loses nothing") {
    for (const char* text :
         {"", "From: a@host.lan", "From: a@host.lan\n", "From: a@host.lan\n\n"}) {
        const Sent sent = send(no_plan, text, {WireForm::dotted, Octets::seven_bit});
        DataDecoder decoder;
        decoder.feed(sent.before + sent.end);
        CHECK(decoder.stage() == DataDecoder::Stage::end);
        std::string expected = text;
        if (!expected.empty() && expected.back() != '\n') expected += "\n";
        CHECK(decoder.take_body() == expected);
    }
    CHECK(send(plan, "From: A <a@x>", {}).before == "From: A <me@example.com>");
}

TEST_CASE("what is held back until the end of the message is not lost") {
    const OutgoingForm narrow{WireForm::dotted, Octets::seven_bit};
    CHECK(send(plan, "Reply-To: \xc3\xa4 <a@host.lan>", narrow).before ==
          "Reply-To: =?utf-8?Q?=C3=A4?= <a@example.com>");
    CHECK(send(no_plan, "Content-Type: a/b\nMIME-Version: 1\n\n\xff", narrow).before ==
          "Content-Type: a/b\r\nMIME-Version: 1\r\nContent-Transfer-Encoding: base64\r\n\r\n"
          "/w==\r\n");
    CHECK(send(no_plan, "MIME-Version: 1\n\n\xff ", narrow).before.ends_with("\r\n\r\n=FF=20"));
}

TEST_CASE("addresses change, then bytes, then dots and line ends") {
    const std::string text =
        "From: J\xc3\xbcrgen <j@host.lan>\nReply-To: \xc3\xa4 <r@host.lan>\nSender: s@x\n\n.\n"
        "M\xc3\xbcller\n";
    for (std::size_t step = 1; step < 40; step += 3) {
        const Sent sent = send(plan, text, {WireForm::dotted, Octets::seven_bit}, step);
        CHECK(sent.before ==
              "From: =?utf-8?Q?J=C3=BCrgen?= <me@example.com>\r\n"
              "Reply-To: =?utf-8?Q?=C3=A4?= <r@example.com>\r\nMIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\n..\r\nM=C3=BCller\r\n");
        CHECK(sent.end == ".\r\n");
        const Sent wide = send(plan, text, {WireForm::dotted, Octets::utf8}, step);
        CHECK(wide.before.ends_with("\r\n\r\n..\r\nM\xc3\xbcller\r\n"));
    }
}

TEST_CASE("the facts are those of the message as it goes out") {
    // The line becomes too long only by its new address.
    const std::string text = "From: \"" + std::string(970, 'x') + "\" <a@host.lan>\n\nbody\n";
    CHECK(longest_line(text) <= max_line);
    const links::RewritePlan longer{"a-rather-long-address@example.com", "", {}};
    CHECK_FALSE(scan(no_plan, text, 100).long_lines());
    CHECK(scan(longer, text, 100).long_lines());
    const Sent sent = send(longer, text, {WireForm::dotted, Octets::utf8});
    CHECK(longest_line(sent.before) <= max_line + 1);
    CHECK(sent.before.find("\r\n <a-rather-long-address@example.com>\r\n") != std::string::npos);
}

TEST_CASE("F51 a legal line may begin with a dot") {
    const std::string line = "." + std::string(997, 'x');
    const Sent sent = send(no_plan, "A: b\n\n" + line + "\n", {WireForm::dotted, Octets::utf8});
    CHECK(sent.before == "A: b\r\n\r\n." + line + "\r\n");
}
