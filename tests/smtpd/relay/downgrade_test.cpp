#include "smtpd/relay/downgrade.h"

#include <string>
#include <vector>

#include "smtpd/relay/body_analysis.h"
#include "tests/catch.h"
#include "tests/smtpd/relay/mime_oracle.h"

using namespace holdfast::relay;

namespace {

MessageFacts facts_of(std::string_view text) {
    BodyAnalysis analysis;
    analysis.feed(text);
    return analysis.finish();
}

std::string converted(std::string_view text, Octets octets, std::size_t step) {
    Downgrade downgrade(facts_of(text), octets);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        out += downgrade.feed(text.substr(at, step));
    }
    return out + downgrade.finish();
}

// For a server without 8BITMIME; checks what always holds.
std::string narrowed(const std::string& text) {
    INFO(text);
    const MessageFacts facts = facts_of(text);
    CHECK_FALSE(obstacle(facts, Octets::seven_bit));
    const std::string out = converted(text, Octets::seven_bit, 100'000);
    CHECK_FALSE(has_eight_bit(out));
    CHECK(longest_line(out) <= max_line);
    for (std::size_t step = 1; step < 1000; step = step * 3 + 1) {
        CHECK(converted(text, Octets::seven_bit, step) == out);
    }
    CHECK_FALSE(needs_conversion(facts_of(out), Octets::seven_bit));
    CHECK(converted(out, Octets::seven_bit, 100'000) == out);
    return out;
}

// The parts of a message that has all it needs of MIME.
std::string checked(const std::string& text) {
    const std::string out = narrowed(text);
    CHECK(decoded_parts(out) == decoded_parts(text));
    return out;
}

const std::string long_line(2000, 'x');

}  // namespace

TEST_CASE("what needs nothing passes byte for byte") {
    for (const std::string& text : std::vector<std::string>{
             "", "\n", "A: b", "A: b\n", "A: b\n\n", "A: b\n\nc", "no header\n", "\n\nc\n \n",
             "From x\nA: b\n\nc\n", "Content-Transfer-Encoding: 8bit\n\nb\n",
             "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\n--b \n\nx\n--b--\nepi\n",
             "Content-Type: message/rfc822\n\nA: b\n\n=\n", std::string(998, 'x') + "\n"}) {
        CHECK(narrowed(text) == text);
        CHECK_FALSE(needs_conversion(facts_of(text), Octets::seven_bit));
    }
}

TEST_CASE("8-bit text passes byte for byte where the server takes it") {
    const std::string text = "Subject: \xc3\xa4\n\nM\xc3\xbcller\n";
    CHECK(converted(text, Octets::utf8, 3) == text);
    CHECK(converted(text, Octets::eight_bit_body, 3) ==
          "Subject: =?utf-8?Q?=C3=A4?=\n\nM\xc3\xbcller\n");
    const std::string nested =
        "Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: a/b; name=\xc3\xa4\n\n\xff\n";
    CHECK(converted(nested, Octets::eight_bit_body, 3) == nested);
}

TEST_CASE("a message that says nothing of MIME gets what it needs") {
    CHECK(narrowed("A: b\n\nM\xc3\xbcller\n") ==
          "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
          "Content-Transfer-Encoding: quoted-printable\n\nM=C3=BCller\n");
    CHECK(narrowed("A: b\n\nM\xfcller\n") ==
          "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
          "Content-Transfer-Encoding: quoted-printable\n\nM=FCller\n");
    CHECK(narrowed("M\xfcller\nx: y\n") ==
          "MIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
          "Content-Transfer-Encoding: quoted-printable\n\nM=FCller\nx: y\n");
    CHECK(narrowed("A: b\nM\xfc: x\n").ends_with("\n\nM=FC: x\n"));
    CHECK(narrowed("\n\xfc") ==
          "MIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=FC");
}

TEST_CASE("F51 long lines go to every server in pieces that can be put together again") {
    const std::string text = "Subject: x\n\nshort =\n" + long_line + "\n" + long_line + "\n";
    for (const Octets octets : {Octets::seven_bit, Octets::eight_bit_body, Octets::utf8}) {
        const std::string out = converted(text, octets, 1000);
        CHECK(longest_line(out) <= 76);
        CHECK(
            out.starts_with("Subject: x\nMIME-Version: 1.0\n"
                            "Content-Type: text/plain; charset=us-ascii\n"
                            "Content-Transfer-Encoding: quoted-printable\n\nshort =3D\n"));
        CHECK(decoded_parts(out)[0].content == decoded_parts(text)[0].content);
    }
    const std::string html =
        "Content-Type: text/html; charset=utf-8\nMIME-Version: 1.0\n\n\xc3\xa4" + long_line + "\n";
    CHECK(converted(html, Octets::eight_bit_body, 7)
              .starts_with("Content-Type: text/html; charset=utf-8\nMIME-Version: 1.0\n"
                           "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4xxx"));
    checked(html);
}

TEST_CASE("a message with Content-Type is MIME, whether it says so or not") {
    CHECK(narrowed("Content-Type: text/html\nX: y\n\n\xc3\xa4\n") ==
          "Content-Type: text/html\nX: y\nMIME-Version: 1.0\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n");
    CHECK(narrowed("mime-version: 1.0\nContent-Type: text\n\n\xc3\xa4\n") ==
          "mime-version: 1.0\nContent-Type: text\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n");
}

TEST_CASE("the encoding that a part declares gives way to the one it gets") {
    CHECK(checked(
              "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\nX: y\nContent-Type: text/plain\n"
              "Content-transfer-encoding:\n 7bit\n\n\xc3\xa4\n") ==
          "MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\nX: y\n"
          "Content-Type: text/plain\n\n=C3=A4\n");
    const std::string binary = checked(
        "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: "
        "binary\n\n\xc3\xa4\n");
    CHECK(binary.ends_with("Encoding: base64\n\nw6QNCg==\n"));
    checked("MIME-Version: 1.0\nContent-Type: image/png\n\n\xff\n\n\xfe \n" + long_line);
}

TEST_CASE("each part gets what it needs and keeps the rest") {
    const std::string text =
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"o o\"\n"
        "Content-Transfer-Encoding: 8bit\n\npreamble = --\n"
        "--o o\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        "\xc3\xa4 = \n\n"
        "--o o \nContent-Type: text/plain\n\nplain = \n"
        "--o o\n\n\xc3\xa4\n"
        "--o o\nContent-Type: multipart/alternative; boundary=i\n\n"
        "--i\nContent-Type: image/png\n\n\xff\n\n--i\nContent-Type: text/html\n\n" +
        long_line +
        "\n--i--\ninner\n"
        "--o o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
        "Subject: \xc3\xa4\nMIME-Version: 1.0\nContent-Type: text/plain; "
        "charset=utf-8\n\n\xc3\xb6\n"
        "\n--o o\nContent-Type: application/x\nContent-Transfer-Encoding: base64\n\nw6Q=\n\n"
        "--o o--\nepilogue =\n";
    const std::string out = checked(text);
    CHECK(out.find("boundary=\"o o\"\nContent-Transfer-Encoding: 7bit\n\npreamble = --\n--o o\n") !=
          std::string::npos);
    CHECK(out.find("Encoding: quoted-printable\n\n=C3=A4 =3D=20\n\n--o o \n") != std::string::npos);
    CHECK(out.find("\nContent-Type: text/plain\n\nplain = \n--o o\n") != std::string::npos);
    CHECK(out.find("--o o\nContent-Type: text/plain; charset=utf-8\n"
                   "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n--o o\n") !=
          std::string::npos);
    CHECK(out.find("image/png\nContent-Transfer-Encoding: base64\n\n/w0K\n--i\n") !=
          std::string::npos);
    CHECK(out.find("rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: =?utf-8?Q?=C3=A4?=\n") !=
          std::string::npos);
    CHECK(out.ends_with("base64\n\nw6Q=\n\n--o o--\nepilogue =\n"));
}

TEST_CASE("what stands around parts is kept as quoted-printable") {
    const std::string text =
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npr\xc3\xa4=" + long_line +
        "--b\n--b\n\nx\n--b--\n\xff\n";
    const std::string out = checked(text);
    CHECK(out.find("boundary=b\n\npr=C3=A4=3Dxxx") != std::string::npos);
    CHECK(out.ends_with("\n--b\n\nx\n--b--\n=FF\n"));
}

TEST_CASE("a multipart without parts is a text that has the wrong type") {
    const std::string out = narrowed(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\xc3\xa4 = \n--c\n");
    CHECK(out ==
          "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4 =3D=20\n--c\n");
}

TEST_CASE("an attached message that says nothing of MIME gets what it needs") {
    const std::string out = narrowed(
        "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
        "From x\nSubject: y\n\n\xc3\xa4\n");
    CHECK(out ==
          "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
          "From x\nSubject: y\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n");
}

TEST_CASE("an attached message that has no header does not get one in front of its own") {
    const std::string text =
        "MIME-Version: 1.0\nContent-Type: message/rfc822\nno field: \xc3\xa4\n";
    const std::string out = narrowed(text);
    CHECK(
        out.starts_with("MIME-Version: 1.0\nContent-Type: message/rfc822\n\nMIME-Version: 1.0\n"));
    CHECK(out.ends_with("\n\nno field: =C3=A4\n"));
}

TEST_CASE("F51 a long line before the fields is text, for it cannot be folded") {
    const std::string out = narrowed("From " + long_line + "\nSubject: x\n\ny\n");
    CHECK(out.starts_with("MIME-Version: 1.0\n"));
    CHECK(decoded_parts(out)[0].content == "From " + long_line + "\nSubject: x\n\ny\n");
}

TEST_CASE("a part that is cut off in its header gets nothing of the next one") {
    const std::string front =
        "MIME-Version: 1.0\nContent-Type: multipart/x; boundary=b\n\n--b\n"
        "Content-Type: message/rfc822\nX: y\n--b\nContent-Type: text/x\n";
    CHECK(narrowed(front + "\n\xc3\xa4\n") ==
          front + "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n");
}

TEST_CASE("parts that are encoded already are put right") {
    const std::string quoted =
        "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: "
        "quoted-printable\n\n";
    CHECK(checked(quoted + "=C3=A4 \xc3\xb6=\n" + long_line + "=3D\n")
              .starts_with(quoted + "=C3=A4 =C3=B6=\nxxx"));
    const std::string base64 =
        "MIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: BASE64\n\n";
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += "eHh4";
    checked(base64 + bytes + "\n");
    CHECK(narrowed(base64 + "eHh4\xe4\n") == base64 + "eHh4\n");
}

TEST_CASE("what is signed stays, while what stands beside it is encoded") {
    const std::string sealed =
        "Content-Type: multipart/signed; boundary=s\nContent-Transfer-Encoding: 8bit\n\n"
        "--s\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\nsigned \n--s--\n";
    const std::string out = checked(
        "MIME-Version: 1.0\nSubject: \xc3\xa4\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\n\n\xc3\xa4\n--b\n" +
        sealed + "--b--\n");
    CHECK(out.find(sealed) != std::string::npos);
}

TEST_CASE("fields are encoded and folded in every header") {
    std::string references;
    for (int i = 0; i < 200; ++i) references += " <" + std::to_string(i) + "@example.org>";
    const std::string out = checked("References:" + references +
                                    "\nSubject: \xc3\xa4\nMIME-Version: 1.0\n"
                                    "Content-Type: multipart/x; boundary=b\n\n"
                                    "--b\nContent-Type: a/b; name=\xc3\xa4\nReferences:" +
                                    references + "\n\nx\n--b--\n");
    CHECK(out.find("\nSubject: =?utf-8?Q?=C3=A4?=\n") != std::string::npos);
    CHECK(out.find("\nContent-Type: a/b; name*=utf-8''%C3%A4\n") != std::string::npos);
    std::string unfolded = out;
    std::erase(unfolded, '\n');
    CHECK(unfolded.find(references, unfolded.find(references) + 1) != std::string::npos);
}

TEST_CASE("F21 a field over the limit is folded, and refused where it would have to be encoded") {
    const std::string large = "X: " + std::string(FieldCollector::max_field, 'x');
    const std::string text = large + " y\nTo: \xc3\xa4\n\nz\n";
    const std::string out = narrowed(text);
    CHECK(out.ends_with(" y\nTo: =?utf-8?Q?=C3=A4?=\n\nz\n"));
    std::string together = out.substr(0, out.find("To:"));
    std::erase_if(together, [](char c) { return c == '\n' || c == ' '; });
    CHECK(together == "X:" + std::string(FieldCollector::max_field, 'x') + "y");

    for (const std::string& bad : {"X: \xc3\xa4" + large + "\n\n", large + "\n \xc3\xa4\n\n"}) {
        const auto found = obstacle(facts_of(bad), Octets::eight_bit_body);
        REQUIRE(found);
        CHECK(found->what == Obstacle::What::eight_bit);
        CHECK_FALSE(obstacle(facts_of(bad), Octets::utf8));
    }
}

TEST_CASE("F21 what is held back of a message is bounded") {
    const std::string header = "MIME-Version: 1.0\nContent-Type: text/plain\n\n";
    for (const std::string& piece : {std::string(65'536, '\xe4'), std::string(65'536, ' '),
                                     std::string(65'536, '\n'), std::string(65'536, 'x')}) {
        std::string text = header + "\xe4\n";
        for (int i = 0; i < 8; ++i) text += piece;
        Downgrade downgrade(facts_of(text), Octets::seven_bit);
        std::size_t out = downgrade.feed(header + "\xe4\n").size();
        for (int i = 0; i < 8; ++i) out += downgrade.feed(piece).size();
        CHECK(out + 2 * max_line >= text.size());
        CHECK(downgrade.finish().size() < 2 * max_line);
    }
}
