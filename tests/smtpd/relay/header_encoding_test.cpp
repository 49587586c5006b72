#include "smtpd/relay/header_encoding.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "smtpd/mail/address_list.h"
#include "smtpd/mail/header.h"
#include "smtpd/relay/eight_bit.h"
#include "smtpd/relay/field_collector.h"
#include "smtpd/relay/header_folder.h"
#include "tests/catch.h"
#include "tests/smtpd/relay/mime_oracle.h"

using namespace holdfast;
using namespace holdfast::relay;

namespace {

struct Row {
    const char* field;
    const char* becomes;
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        INFO(row.field);
        CHECK(ascii_field(row.field) == row.becomes);
    }
}

std::string value_of(std::string_view bytes) {
    const auto field = take_field(bytes);
    CHECK(bytes.empty());
    return field ? std::string(field->value) : "none";
}

std::string folded(std::string_view text, std::size_t step = 100'000) {
    HeaderFolder folder;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step)
        out += folder.feed(text.substr(at, step));
    return out + folder.finish();
}

std::string unfolded(std::string text) {
    std::erase(text, '\n');
    return text;
}

}  // namespace

TEST_CASE("text becomes encoded words, and what is ASCII stays") {
    check({
        {"Subject: plain\n", "Subject: plain\n"},
        {"Subject: M\xc3\xbcller\n", "Subject: =?utf-8?Q?M=C3=BCller?=\n"},
        {"Subject: a M\xc3\xbcller\n b \xc3\xa4\n",
         "Subject: a =?utf-8?Q?M=C3=BCller?=\n b =?utf-8?Q?=C3=A4?=\n"},
        {"Subject: \xc3\xa4 \xc3\xb6\n  \xc3\xbc x\n",
         "Subject: =?utf-8?Q?=C3=A4_=C3=B6__=C3=BC?= x\n"},
        {"Subject: M\xfcller\n", "Subject: =?unknown-8bit?Q?M=FCller?=\n"},
        {"X-Note:\xe2\x82\xac=_?.\n", "X-Note:=?utf-8?Q?=E2=82=AC=3D=5F=3F=2E?=\n"},
        {"Subject: =?utf-8?q?x?= \xc3\xa4 =?utf-8?q?y?= z\n",
         "Subject: =?utf-8?q?x?= =?utf-8?Q?_=C3=A4_?= =?utf-8?q?y?= z\n"},
        {"Subject: \xc3\xa4 \n", "Subject: =?utf-8?Q?=C3=A4?= \n"},
    });
}

TEST_CASE("a long text is folded between encoded words, and no character is cut") {
    for (std::size_t ascii = 0; ascii < 60; ++ascii) {
        std::string value(ascii, 'x');
        for (int i = 0; i < 30; ++i) value += "\xe2\x82\xac \xf0\x9f\x99\x82";
        const std::string field = ascii_field("Subject: a " + value + " b\n");
        CHECK_FALSE(has_eight_bit(field));
        CHECK(longest_line(field) <= 76);
        CHECK(words_decoded(value_of(field)) == " a " + value + " b");
    }
    const std::string late = "Subject: " + std::string(50, 'x');
    CHECK(ascii_field(late + "   \xc3\xa4\n") == late + "\n =?utf-8?Q?=C3=A4?=\n");
    const std::string close = "Subject: " + std::string(48, 'x');
    CHECK(ascii_field(close + " \xc3\xa4\n") == close + " =?utf-8?Q?=C3=A4?=\n");
    const std::string blank = "Subject: x\n" + std::string(90, ' ') + "\xc3\xa4\n";
    CHECK(ascii_field(blank) == "Subject: x\n =?utf-8?Q?=C3=A4?=\n");
}

TEST_CASE("names of people become encoded words, and their addresses stay") {
    check({
        {"From: M\xc3\xbcller <m@x>\n", "From: =?utf-8?Q?M=C3=BCller?= <m@x>\n"},
        {"To: Fr. M\xc3\xbcller J\xc3\xbcrgen<m@x>,\"\xc3\xa4, \\\"b\\\"\"<b@y>, c@z\n",
         "To: Fr. =?utf-8?Q?M=C3=BCller_J=C3=BCrgen?= <m@x>,\n"
         " =?utf-8?Q?=C3=A4=2C_=22b=22?= <b@y>, c@z\n"},
        {"Cc: a@x (J\xc3\xbcrgen (\xfc) \\(z\\\xc3\xa4),\n b@y\n",
         "Cc: a@x (=?utf-8?Q?J=C3=BCrgen?= (=?unknown-8bit?Q?=FC?=)\n"
         " =?utf-8?Q?=28z=C3=A4?=),\n b@y\n"},
        {"To: \xc3\xa4: a@x, b@y;\n", "To: =?utf-8?Q?=C3=A4?= : a@x, b@y;\n"},
        {"To: \"\xc3\xa4\"x <a@x>\n", "To: =?utf-8?Q?=C3=A4?= x <a@x>\n"},
        {"To: x\"\xc3\xa4\"(\xc3\xb6)<a@x>\n",
         "To: x =?utf-8?Q?=C3=A4?= (=?utf-8?Q?=C3=B6?=)<a@x>\n"},
        {"To: =?utf-8?q?x?= \xc3\xa4 <a@x>\n", "To: =?utf-8?q?x?= =?utf-8?Q?_=C3=A4?= <a@x>\n"},
        {"Reply-To:\"\xc3\xa4\n b\" <a@x>\n", "Reply-To:=?utf-8?Q?=C3=A4_b?= <a@x>\n"},
    });
}

TEST_CASE("a list with an address that is not ASCII is kept as the name of an empty group") {
    check({
        {"To: m\xc3\xbcller@x, b@y\n", "To: =?utf-8?Q?m=C3=BCller=40x=2C_b=40y?= :;\n"},
        {"From: J <j@b\xc3\xbc"
         "cher.example>\n",
         "From: =?utf-8?Q?J_=3Cj=40b=C3=BCcher=2Eexample=3E?= :;\n"},
        {"To: a@x, \"\xc3\xa4\n", "To: =?utf-8?Q?a=40x=2C_=22=C3=A4?= :;\n"},
        {"To: (\xc3\xa4 a@x,\n b@y\n", "To: =?utf-8?Q?=28=C3=A4_a=40x=2C_b=40y?= :;\n"},
        {"To: <\xc3\xa4>\n", "To: =?utf-8?Q?=3C=C3=A4=3E?= :;\n"},
        {"To: a@[\xc3\xa4]\n", "To: =?utf-8?Q?a=40=5B=C3=A4=5D?= :;\n"},
        {"Sender: \"\xc3\xa4\"@x\n", "Sender: =?utf-8?Q?=22=C3=A4=22=40x?= :;\n"},
    });
    const AddressList list =
        parse_address_list(value_of(ascii_field("To: \xc3\xa4@x\n")), BareWords::unreadable);
    CHECK(list.addresses.empty());
    CHECK(list.unreadable.empty());
}

TEST_CASE("parameters of MIME fields are written as RFC 2231 has it") {
    check({
        {"Content-Type: text/plain; name=\"M\xc3\xbc ller.txt\"; charset=utf-8\n",
         "Content-Type: text/plain; name*=utf-8''M%C3%BC%20ller.txt; charset=utf-8\n"},
        {"Content-Disposition: attachment (\xc3\xa4);\n\tfilename = \xfc.txt\n",
         "Content-Disposition: attachment (=?utf-8?Q?=C3=A4?=);\n\t"
         "filename*=unknown-8bit''%FC.txt\n"},
        {"Content-Type: text/plain; charset=\"utf-8\"; \xc3\xa4 x=y\n",
         "Content-Type: text/plain; charset=\"utf-8\"; (=?utf-8?Q?=C3=A4?=) x=y\n"},
        {"Content-Type: \xc3\xa4/b message/rfc822; c=\xc3\xa4\n",
         "Content-Type: text/plain (=?utf-8?Q?=C3=A4/b?=) message/rfc822; c*=utf-8''%C3%A4\n"},
        {"Content-Disposition: \xc3\xa4; a=b\n",
         "Content-Disposition: attachment (=?utf-8?Q?=C3=A4?=); a=b\n"},
        {"Content-Type: a/b; boundary (\xc3\xa4)= (c)\n \"d \\e\"; x=y\n",
         "Content-Type: a/b; boundary (=?utf-8?Q?=C3=A4?=)= (c)\n \"d \\e\"; x=y\n"},
        {"Content-Type: text/plain; \xc3\xa4=y\n",
         "Content-Type: text/plain; (=?utf-8?Q?=C3=A4=3Dy?=)\n"},
        {"Content-Type: a/b; name*=utf-8''\xc3\xa4%20; x*1=\xc3\xa4; y*0=\xc3\xa4\n",
         "Content-Type: a/b; name*=utf-8''%C3%A4%20; x*1*=%C3%A4; y*0*=utf-8''%C3%A4\n"},
        {"Content-Type: a/b; (\xc3\xa4 x=y\n",
         "Content-Type: a/b; (=?utf-8?Q?=28=C3=A4_x=3Dy?=)\n"},
    });
    std::string name;
    for (int i = 0; i < 20; ++i) name += "\xe2\x82\xac";
    const std::string field = ascii_field("Content-Type: a/b; name=\"" + name + "\"; c=d\n");
    CHECK(field.starts_with("Content-Type: a/b; name*0*=utf-8''%E2%82%AC"));
    CHECK(field.find(";\n name*1*=%") != std::string::npos);
    CHECK(field.find(";\n name*3*=%") != std::string::npos);
    CHECK(field.ends_with("%AC; c=d\n"));
    CHECK(longest_line(field) <= 90);
    CHECK(std::ranges::count(field, '%') == 60);
}

TEST_CASE("fields of a fixed form keep it, or are put aside") {
    check({
        {"Received: from x (\xc3\xa4 [192.0.2.1])\n\tby y; date\n",
         "Received: from x (=?utf-8?Q?=C3=A4?= [192.0.2.1])\n\tby y; date\n"},
        {"Message-ID: <\xc3\xa4@x>\n", "Downgraded-Message-ID: =?utf-8?Q?=3C=C3=A4=40x=3E?=\n"},
        {"Date: \xc3\xa4\n", "Downgraded-Date: =?utf-8?Q?=C3=A4?=\n"},
    });
}

TEST_CASE("F51 long lines of a header are folded where white space is") {
    std::string field = "References:";
    for (int i = 0; i < 400; ++i) field += " <" + std::to_string(i) + "@example.org>";
    field += "\nSubject: x\n";
    const std::string out = folded(field);
    CHECK(longest_line(out) <= 998);
    CHECK(longest_line(out) > 950);
    CHECK(unfolded(out) == unfolded(field));
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{997}}) {
        CHECK(folded(field, step) == out);
    }
    const std::string close = "A: " + std::string(994, 'x') + " y\n";
    CHECK(folded(close) == "A: " + std::string(994, 'x') + "\n y\n");
    CHECK(folded("A: " + std::string(995, 'x') + "\n") == "A: " + std::string(995, 'x') + "\n");
    CHECK(folded("A: " + std::string(997, 'x') + "\n") == "A:\n " + std::string(997, 'x') + "\n");
}

TEST_CASE("F51 a word of more than a line is cut, between characters, and nothing of it is lost") {
    std::string word;
    while (word.size() < 5000) word += "\xe2\x82\xac";
    for (const std::string& front :
         {std::string("A: "), std::string("A: b\n "), std::string("A:xy")}) {
        const std::string out = folded(front + word + " c\n");
        CHECK(longest_line(out) <= 998);
        CHECK(is_utf8(out));
        std::string together = out;
        std::erase(together, '\n');
        std::erase(together, ' ');
        std::string expected = front + word + "c";
        std::erase(expected, '\n');
        std::erase(expected, ' ');
        CHECK(together == expected);
        std::string_view rest = out;
        CHECK(take_field(rest));
        CHECK(rest.empty());
    }
}

TEST_CASE("folding makes no line of white space, and no field of half a name") {
    const auto blanks = [](std::size_t length) { return std::string(length, ' '); };
    const std::string word(1500, 'x');
    for (const std::string& line :
         {"A: x" + blanks(1500) + "y\n", "A:" + blanks(1500) + "y\n", "A: x" + blanks(5000) + "y\n",
          "A: " + std::string(990, 'x') + blanks(20) + "y\n", "A: x\n" + blanks(2000) + "y z\n",
          "A: x\n" + blanks(998) + "y z\n", "A: x\n" + blanks(997) + "yyyy z\n",
          "A: x\n " + std::string(990, 'y') + blanks(2000) + "\n", "A :" + word + "\n",
          "A \t: " + word + "\n"}) {
        INFO(line);
        const std::string out = folded(line);
        CHECK(longest_line(out) <= 998);
        CHECK(folded(line, 1) == out);
        std::string_view rest = out;
        REQUIRE(take_field(rest));
        CHECK(rest.empty());
        for (std::string_view lines = out; !lines.empty();) {
            const std::string_view first = lines.substr(0, lines.find('\n') + 1);
            CHECK(first.find_first_not_of(" \n") != std::string_view::npos);
            lines.remove_prefix(first.size());
        }
    }
}

TEST_CASE("F21 hostile fields cost time in proportion to their length") {
    for (const char* name : {"To: ", "Subject: ", "Content-Type: a/b;", "Received: "}) {
        for (const char* piece :
             {"\xe4",     "\xe4 ", "(",  "(\xe4",     "(\xe4)",     "(\xe4) ", "\"",
              "\"\xe4\"", "\xe4,", ";",  "=",         ";\xe4=\xe4", ";x=\xe4", "\\",
              "<",        "<\xe4", "a@", "((\xe4)) ", "a \xe4 ",    "=?",      "\xe4 =?x?= "}) {
            std::string field = name;
            while (field.size() < FieldCollector::max_field) field += piece;
            field += "\xe4\n";
            INFO(name << piece);
            const auto begin = std::chrono::steady_clock::now();
            CHECK_FALSE(has_eight_bit(ascii_field(field)));
            CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
        }
    }
}
