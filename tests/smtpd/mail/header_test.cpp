#include "smtpd/mail/header.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace holdfast;

namespace {

using Texts = std::vector<std::string>;

Texts raw_fields(std::string_view message) {
    Texts texts;
    for (const HeaderField& field : split_message(message).fields) texts.emplace_back(field.raw);
    return texts;
}

std::string body(std::string_view message) {
    return std::string(split_message(message).body);
}

HeaderRecipients recipients(std::string_view message) {
    return header_recipients(split_message(message).fields);
}

}  // namespace

TEST_CASE("a header is its fields, each with the lines that continue it") {
    const std::string message = "Subject: a\n b\n\t\n c\nX-Y :z\nto:\n\nbody: x\n";
    CHECK(raw_fields(message) == Texts{"Subject: a\n b\n\t\n c\n", "X-Y :z\n", "to:\n"});
    CHECK(body(message) == "body: x\n");
    const SplitMessage split = split_message(message);
    CHECK(split.fields[0].value == " a\n b\n\t\n c");
    CHECK(split.fields[1].name == "X-Y");
    CHECK(split.fields[1].value == "z");
    CHECK(split.fields[2].named("To"));
    CHECK(split.fields[2].blank());
}

TEST_CASE("a header ends at an empty line, or before a line that is no field") {
    const auto both = [](std::string_view message) {
        return std::to_string(raw_fields(message).size()) + "|" + body(message);
    };
    CHECK(both("") == "0|");
    CHECK(both("\n") == "0|");
    CHECK(both("\n\nx\n") == "0|\nx\n");
    CHECK(both("text\nmore\n") == "0|text\nmore\n");
    CHECK(both("Disk usage report: 90%\nx\n") == "0|Disk usage report: 90%\nx\n");
    CHECK(both("Subject: x\nno field\nY: z\n\nb\n") == "1|no field\nY: z\n\nb\n");
    CHECK(both(" indented: first\nSubject: x\n") == "0| indented: first\nSubject: x\n");
    CHECK(both("Subject: x") == "1|");
    CHECK(both(": x\n") == "0|: x\n");
    CHECK(both("caf\xc3\xa9: x\n") == "0|caf\xc3\xa9: x\n");
    CHECK(both("http://x/\n") == "1|");
}

TEST_CASE("mbox lines before the first field are dropped, later ones end the header") {
    CHECK(raw_fields("From a Mon\n>From b Tue\nX: y\n\nb") == Texts{"X: y\n"});
    CHECK(body("X: y\nFrom here on\n") == "From here on\n");
}

TEST_CASE("private fields do not leave, with all their lines, whatever their spelling") {
    const std::string message =
        "To: a@x\nBCC : b@x,\n c@x\nresent-bcc:d@x\nReturn-path: <e@x>\ncontent-length: 9\nX: y";
    CHECK(public_header(split_message(message).fields) == "To: a@x\nX: y\n\n");
    CHECK(public_header({}) == "\n");
}

TEST_CASE("recipients come from To, Cc, Bcc and Apparently-To") {
    const auto found = recipients(
        "TO: a@x, root\nFrom: me@x\ncc : b@x\nBcc:c@x\nX-To: z@x\nApparently-To: d@x\nTo: e@x\n");
    CHECK(found.addresses == Texts{"a@x", "root", "b@x", "c@x", "d@x", "e@x"});
    CHECK(found.unreadable.empty());
    CHECK(recipients("To: a@x, <broken\n").unreadable == Texts{"<broken"});
}

TEST_CASE("resent fields count alone, if they name anybody") {
    const std::string original = "To: a@x\nBcc: b@x\n";
    CHECK(recipients("Resent-To: r@x\nResent-Bcc: s@x\n" + original).addresses ==
          Texts{"r@x", "s@x"});
    CHECK(recipients("Resent-Bcc:\n" + original).addresses == Texts{"a@x", "b@x"});
    CHECK(recipients("Resent-To: <broken\n" + original).addresses == Texts{"a@x", "b@x"});
    CHECK(recipients("Resent-From: r@x\n" + original).addresses == Texts{"a@x", "b@x"});
}
