#include "smtpd/mail/command.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace holdfast {
namespace {

TEST_CASE("a command is its verb in any case and what follows") {
    struct Row {
        std::string line;
        Verb verb;
        std::string argument;
    };
    const std::vector<Row> rows{
        {"QUIT", Verb::quit, ""},
        {"quit", Verb::quit, ""},
        {"Data  ", Verb::data, ""},
        {"EHLO a.example", Verb::ehlo, "a.example"},
        {"HELO\ta.example \t", Verb::helo, "a.example"},
        {"MAIL FROM:<a@b> SIZE=1", Verb::mail, "FROM:<a@b> SIZE=1"},
        {"starttls", Verb::starttls, ""},
        {"GET / HTTP/1.1", Verb::foreign, "/ HTTP/1.1"},
        {"", Verb::unknown, ""},
        {" QUIT", Verb::unknown, ""},
        {"QUITX", Verb::unknown, ""},
        {"QUI", Verb::unknown, ""},
        {std::string("QUIT\0", 5), Verb::unknown, ""},
        {"MAILFROM:<a@b>", Verb::unknown, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const Command command = parse_command(row.line);
        CHECK(command.verb == row.verb);
        CHECK(command.argument == row.argument);
    }
}

std::string show(const std::optional<PathArgument>& argument) {
    if (!argument) return "nothing";
    std::string text = "<" + std::string(argument->path) + ">";
    for (const Parameter& parameter : argument->parameters) {
        text += " " + std::string(parameter.keyword) + ":" + std::string(parameter.value);
    }
    return text;
}

TEST_CASE("a path argument is read with its parameters, or not at all") {
    struct Row {
        std::string argument;
        std::string shown;
    };
    const std::vector<Row> rows{
        {"FROM:<a@b.example>", "<a@b.example>"},
        {"from:<a@b.example>", "<a@b.example>"},
        {"FROM:<>", "<>"},
        {"FROM: <a@b>", "<a@b>"},
        {"FROM:  <a@b>  SIZE=12  BODY=8BITMIME", "<a@b> SIZE:12 BODY:8BITMIME"},
        {"FROM:<a@b> X-Y", "<a@b> X-Y:"},
        {"FROM:<@one.example,@two.example:a@b>", "<a@b>"},
        {"FROM:<@one.example:a@b>", "<a@b>"},
        {R"(FROM:<"a>b"@c>)", R"(<"a>b"@c>)"},
        {R"(FROM:<"a\">b"@c> SIZE=1)", R"(<"a\">b"@c> SIZE:1)"},
        {"FROM:<a@[IPv6:::1]>", "<a@[IPv6:::1]>"},
        {"FROM", "nothing"},
        {"FROM:", "nothing"},
        {"FROM :<a@b>", "nothing"},
        {"TO:<a@b>", "nothing"},
        {"FROM:a@b", "nothing"},
        {"FROM:<a@b", "nothing"},
        {"FROM:a@b>", "nothing"},
        {R"(FROM:<"a@b>)", "nothing"},
        {"FROM:<a@b>SIZE=1", "nothing"},
        {"FROM:<a@b> =1", "nothing"},
        {"FROM:<a@b> SIZE=", "nothing"},
        {"FROM:<a@b> SIZE=1=2", "nothing"},
        {"FROM:<a@b> SIZE=1 size=2", "nothing"},
        {"FROM:<a@b> -X=2", "nothing"},
        {"FROM:<a@b> <c@d>", "nothing"},
        {"FROM:<a@b> X=\x80", "nothing"},
        {std::string("FROM:<a@b> X=\0", 14), "nothing"},
        {"FROM:<@one.example>", "nothing"},
        {"FROM:<@one.example:>", "nothing"},
        {"FROM:<@one example:a@b>", "nothing"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.argument);
        CHECK(show(parse_path_argument(row.argument, "FROM")) == row.shown);
    }
}

TEST_CASE("a name for HELO is made of a domain's characters or is an address literal") {
    for (const char* good :
         {"a", "a.example", "my_host", "-", "[192.0.2.1]", "[IPv6:2001:db8::1]"}) {
        CAPTURE(good);
        CHECK(is_helo_name(good));
    }
    for (const char* bad :
         {"", "a b", "a(b", "a)", "<a>", "a:1", "[", "[]", "a\"b", "\x80", "a;b"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_helo_name(bad));
    }
    CHECK(is_helo_name(std::string(255, 'a')));
    CHECK_FALSE(is_helo_name(std::string(256, 'a')));
    CHECK_FALSE(is_helo_name(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace holdfast
