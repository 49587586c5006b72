#include "smtpd/mail/completion.h"

#include <string>

#include "smtpd/mail/display_name.h"
#include "smtpd/mail/header.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

Completion alice() {
    Completion facts;
    facts.uid = 1001;
    facts.user = "alice";
    facts.full_name = "Alice Example";
    facts.sender = "alice@box.example.net";
    facts.origin = "box.example.net";
    facts.hostname = "host.example.net";
    facts.id = *MessageId::parse("01M7YKTKYJ065RDTDPBGH8XV2A");
    facts.now = facts.id.time() + std::chrono::seconds(5);
    return facts;
}

std::string completed(std::string_view header, const Completion& facts = alice()) {
    return complete_header(header, facts).bytes;
}

// The value of a field, or "none", or "several".
std::string value(const std::string& header, std::string_view name) {
    std::string found = "none";
    for (const HeaderField& field : split_message(header).fields) {
        if (!field.named(name)) continue;
        if (found != "none") return "several";
        found = field.value.substr(1);
    }
    return found;
}

constexpr const char* whole = "From: me@x\nDate: d\nMessage-ID: <m@x>\n";

}  // namespace

TEST_CASE("a header that lacks nothing keeps every byte, behind a Received field") {
    const std::string fields = std::string(whole) + "To : \"A B\" <a@x>,\n\t(c) b@x\nX:  y \n z\n";
    const std::string header = completed(fields + "\n");
    CHECK(header ==
          "Received: by host.example.net (Holdfast) with local id "
          "01M7YKTKYJ065RDTDPBGH8XV2A\n\t(uid 1001); " +
              rfc5322_date(alice().now) + "\n" + fields + "\n");
}

TEST_CASE("From, Date and Message-ID are added behind the last field") {
    const std::string header = completed("Subject: s\n\n");
    CHECK(value(header, "From") == "Alice Example <alice@box.example.net>");
    CHECK(value(header, "Date") == rfc5322_date(alice().id.time()));
    CHECK(value(header, "Message-ID") == "<01M7YKTKYJ065RDTDPBGH8XV2A@host.example.net>");
    CHECK(header.find("Subject") < header.find("From:"));
    CHECK(value(header, "To") == "none");
    CHECK(value(header, "Sender") == "none");
    CHECK(header.ends_with(">\n\n"));
}

TEST_CASE("an empty field is replaced") {
    const std::string header = completed("From: \nDate:\nMessage-ID: \n\n");
    CHECK(value(header, "From") == "Alice Example <alice@box.example.net>");
    CHECK(value(header, "Date") != "several");
    CHECK(value(header, "Message-ID") != "several");
    CHECK(value(completed("From: <>\n\n"), "From") == "Alice Example <alice@box.example.net>");
    CHECK(value(completed("From: John Smith\n\n"), "From") == "John Smith");
}

TEST_CASE("a full name is lent to no other address, a given one is") {
    Completion facts = alice();
    facts.sender = "other@x";
    CHECK(value(completed("\n", facts), "From") == "other@x");
    facts.given_name = "Full N. \"Q\" Name";
    CHECK(value(completed("\n", facts), "From") == "\"Full N. \\\"Q\\\" Name\" <other@x>");
    facts.sender = "";
    facts.given_name = "";
    CHECK(value(completed("\n", facts), "From") == "MAILER-DAEMON@box.example.net");
}

TEST_CASE("bare names get the origin, and nothing around them changes") {
    const std::string header = completed(
        "From: root (Cron Daemon)\nTo: alice,\n bob@x, \"c d\" <eve>\nCc: g: h;\n"
        "Reply-To: <r>\nSubject: alice\nX-To: alice\nTo: John Smith\n\n");
    const std::string expected =
        "From: root@box.example.net (Cron Daemon)\nTo: alice@box.example.net,\n bob@x, \"c d\" "
        "<eve@box.example.net>\nCc: g: h@box.example.net;\nReply-To: <r@box.example.net>\n"
        "Subject: alice\nX-To: alice\nTo: John Smith\n";
    CHECK(header.find(expected) != std::string::npos);
}

TEST_CASE("a resent message gets its own From, Date and Message-ID") {
    const std::string header = completed(std::string("Resent-To: r\n") + whole + "\n");
    CHECK(value(header, "Resent-To") == "r@box.example.net");
    CHECK(value(header, "Resent-From") == "Alice Example <alice@box.example.net>");
    CHECK(value(header, "Resent-Date") == rfc5322_date(alice().id.time()));
    CHECK(value(header, "Resent-Message-ID") != "none");
    CHECK(value(header, "From") == "me@x");
    CHECK(value(header, "Date") == "d");
}

TEST_CASE("for a gateway nothing is added but the trace, and private fields still go") {
    Completion facts = alice();
    facts.work = HeaderWork::keep;
    const std::string header = completed("To: a\nBcc: b\n\n", facts);
    CHECK(value(header, "From") == "none");
    CHECK(value(header, "Date") == "none");
    CHECK(value(header, "To") == "a");
    CHECK(value(header, "Bcc") == "none");
    CHECK(header.starts_with("Received: "));
}

TEST_CASE("Received fields are counted for the loop check") {
    CHECK(complete_header("Received: a\nX: y\nreceived: b\n\n", alice()).hops == 2);
    CHECK(complete_header("\n", alice()).hops == 0);
}

TEST_CASE("a line that is no field, and what follows, is body") {
    CHECK(completed(std::string(whole) + "text\nX: y\n\n").ends_with("<m@x>\n\ntext\nX: y\n\n"));
    CHECK(completed("text").ends_with("\n\ntext"));
    CHECK(completed("").ends_with(">\n\n"));
}

TEST_CASE("an id that claims a time that can't be does not date the message") {
    Completion facts = alice();
    facts.now = facts.id.time() - std::chrono::milliseconds(1);
    CHECK(value(completed("\n", facts), "Date") == rfc5322_date(facts.now));
    facts.now = facts.id.time() + std::chrono::days(31);
    CHECK(value(completed("\n", facts), "Date") == rfc5322_date(facts.now));
    facts.now = facts.id.time() + std::chrono::days(29);
    CHECK(value(completed("\n", facts), "Date") == rfc5322_date(facts.id.time()));
}

TEST_CASE("F30 no fact can start another field") {
    Completion facts = alice();
    facts.user = "alice\nX-Evil: 1";
    facts.full_name = facts.user;
    facts.given_name = facts.user;
    facts.sender = "a@b\nX-Evil: 1";
    facts.origin = "o\nX-Evil: 1";
    facts.hostname = "h\r\nX-Evil: 1";
    CHECK(value(completed("To: a\nResent-To: b\n\n", facts), "X-Evil") == "none");
}

TEST_CASE("the end of a header is found however much of it is there") {
    CHECK(header_length("\nbody") == 1U);
    CHECK(header_length("A: b\n\nbody\n\n") == 6U);
    CHECK_FALSE(header_length("A: b\n"));
    CHECK_FALSE(header_length(""));
}

TEST_CASE("every login has an address") {
    const auto address = [](std::string_view user) {
        return login_address(user, 54321, "box.example.net")->local_part();
    };
    CHECK(address("alice") == "alice");
    CHECK(address("") == "uid-54321");
    CHECK(address("DOMAIN\\alice b") == "\"DOMAIN\\\\alice b\"");
    CHECK(address("a@b") == "\"a@b\"");
    CHECK(address("a\nb") == "uid-54321");
    CHECK(address(std::string(100, 'x')) == "uid-54321");
    CHECK_FALSE(login_address("alice", 1001, "no domain"));
}

TEST_CASE("a name is bare, quoted or encoded, as it needs") {
    CHECK(display_name("Alice Example") == "Alice Example");
    CHECK(display_name(" Alice ") == "Alice");
    CHECK(display_name("") == "");
    CHECK(display_name(" \n ") == "");
    CHECK(display_name("a.b") == "\"a.b\"");
    CHECK(display_name("a  b") == "\"a  b\"");
    CHECK(display_name("a\\\"b") == "\"a\\\\\\\"b\"");
    CHECK(display_name("=?utf-8?q?x?=") == "\"=?utf-8?q?x?=\"");
    CHECK(display_name("J\xc3\xbcrgen") == "=?UTF-8?Q?J=C3=BCrgen?=");
    CHECK(display_name("J\xfcrgen (x)") == "=?ISO-8859-1?Q?J=FCrgen_=28x=29?=");
    CHECK(display_name("a\r\nBcc: b") == "\"a  Bcc: b\"");
}

TEST_CASE("a long name is cut between characters and encoded in words of 75") {
    std::string name = "x";
    for (int i = 0; i < 400; ++i) name += "\xc3\xa9";
    const std::string phrase = display_name(name);
    std::size_t characters = 0;
    for (std::size_t begin = 0; begin < phrase.size();) {
        const std::size_t end = std::min(phrase.find("\n ", begin), phrase.size());
        const std::string word = phrase.substr(begin, end - begin);
        CHECK(word.size() <= 75);
        CHECK(word.starts_with("=?UTF-8?Q?"));
        CHECK(word.ends_with("?="));
        for (std::size_t at = 0; (at = word.find("=C3=A9", at)) != std::string::npos; at += 6) {
            ++characters;
        }
        begin = end + 2;
    }
    CHECK(characters == (max_display_name - 1) / 2);
}

TEST_CASE("an address field above the limit goes out byte for byte, and the others are completed") {
    std::string huge = "To: ";
    while (huge.size() <= max_address_field) huge += "bob, ";
    const std::string header = completed(huge + "x\nCc: carol\n\n");
    CHECK(header.find("bob@") == std::string::npos);
    CHECK(value(header, "Cc") == "carol@box.example.net");
    CHECK(value(header, "From") == "Alice Example <alice@box.example.net>");
}

TEST_CASE("behind so many addresses the header of a message goes out byte for byte") {
    std::string many = "To: ";
    for (std::size_t i = 1; i < max_header_addresses; ++i) many += "a,";
    const std::string header = completed(many + "a\nCc: carol\nFrom: dave\n\n");
    CHECK(header.find(",a@box.example.net\n") != std::string::npos);
    CHECK(value(header, "Cc") == "carol");
    CHECK(value(header, "From") == "dave");
}

TEST_CASE("a From above the limit counts as one that names somebody") {
    const std::string header = completed("From: " + std::string(max_address_field, 'a') + ",b\n\n");
    CHECK(value(header, "From").starts_with("aaaa"));
}

TEST_CASE("a header ends within a start that holds a line that is no field") {
    CHECK(header_ends_within("Subject: s\nno field\nX: y\n"));
    CHECK(header_ends_within("no field\n"));
    CHECK(header_ends_within(std::string(2000, 'x')));
    CHECK(header_ends_within("X: y\n\nbody"));
    CHECK_FALSE(header_ends_within("Subject: s\nX-Long"));
    CHECK_FALSE(header_ends_within("Subject: s\n folded\n"));
    CHECK_FALSE(header_ends_within("From me Sat\nX: " + std::string(2000, 'x')));
    CHECK_FALSE(header_ends_within(""));
}
