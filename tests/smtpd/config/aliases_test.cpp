#include "smtpd/config/aliases.h"

#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

const std::vector<std::string> local{"box", "example.org"};

std::string table(const links::AliasSnapshot& snapshot) {
    std::string text;
    for (const links::Alias& alias : snapshot.aliases) {
        text += alias.name + "(" + alias.place + "):";
        for (const std::string& target : alias.targets) text += " " + target;
        text += "\n";
    }
    return text;
}

std::string good(std::string_view text) {
    const auto parsed = parse_aliases(text, "a", local, Elsewhere::refused);
    INFO(render(parsed.diagnostics));
    CHECK(parsed.diagnostics.all().empty());
    return table(parsed.value);
}

std::string said(std::string_view text) {
    return render(parse_aliases(text, "a", local, Elsewhere::refused).diagnostics);
}

}  // namespace

TEST_CASE("aliases are read in their known form and sorted by name") {
    CHECK(good("# comment\n"
               "postmaster:    root\n"
               "\n"
               "root: alice, bob@Example.org,carol   # the admins\n"
               "\tdave\n"
               "   # in between\n"
               " ,erin\n"
               "MAILER-DAEMON : postmaster\n") ==
          "mailer-daemon(a:8): postmaster\n"
          "postmaster(a:2): root\n"
          "root(a:4): alice bob@Example.org carol dave erin\n");
    CHECK(good("").empty());
    CHECK(good("a: b\r\nc: d") == "a(a:1): b\nc(a:2): d\n");
    CHECK(good("a:\n  b,\n  c\n") == "a(a:1): b c\n");
}

TEST_CASE("names and targets may be quoted") {
    CHECK(good("\"Info Desk\": \"alice\", \"bob smith\"@example.org, \"a,b\"\n") ==
          "info desk(a:1): alice \"bob smith\"@example.org a,b\n");
    CHECK(good("\"root\": \"alice@example.org\"\n") == "root(a:1): alice@example.org\n");
}

TEST_CASE("the alias file of a fresh Debian system is taken without a word") {
    CHECK(good("# /etc/aliases\n"
               "mailer-daemon: postmaster\n"
               "postmaster: root\n"
               "nobody: root\n"
               "hostmaster: root\n"
               "usenet: root\n"
               "news: root\n"
               "webmaster: root\n"
               "www: root\n"
               "ftp: root\n"
               "abuse: root\n"
               "noc: root\n"
               "security: root\n")
              .starts_with("abuse(a:11): root\n"));
}

TEST_CASE("targets that are not taken are left out with a warning, and the file stays good") {
    const std::string text =
        "list: \"|/usr/lib/list post, all\", alice\n"
        "arch: /var/mail/arch\n"
        "many: :include:/etc/many, |\"/bin/x y\" z\n";
    const auto parsed = parse_aliases(text, "a", local, Elsewhere::refused);
    CHECK_FALSE(parsed.diagnostics.has_errors());
    CHECK(table(parsed.value) == "arch(a:2):\nlist(a:1): alice\nmany(a:3):\n");
    CHECK(render(parsed.diagnostics) ==
          "a:1:7: warning: a program as the target of an alias is not supported\n"
          "  list: \"|/usr/lib/list post, all\", alice\n"
          "        ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
          "  this target of \"list\" is left out\n"
          "a:2:7: warning: a file as the target of an alias is not supported\n"
          "  arch: /var/mail/arch\n"
          "        ^~~~~~~~~~~~~~\n"
          "  this target of \"arch\" is left out\n"
          "a:2:1: warning: \"arch\" has no target left\n"
          "  arch: /var/mail/arch\n"
          "  ^~~~\n"
          "  mail to it waits until it has one, and comes back when it is too old\n"
          "a:3:7: warning: :include: as the target of an alias is not supported\n"
          "  many: :include:/etc/many, |\"/bin/x y\" z\n"
          "        ^~~~~~~~~~~~~~~~~~\n"
          "  this target of \"many\" is left out\n"
          "a:3:27: warning: a program as the target of an alias is not supported\n"
          "  many: :include:/etc/many, |\"/bin/x y\" z\n"
          "                            ^~~~~~~~~~~~~\n"
          "  this target of \"many\" is left out\n"
          "a:3:1: warning: \"many\" has no target left\n"
          "  many: :include:/etc/many, |\"/bin/x y\" z\n"
          "  ^~~~\n"
          "  mail to it waits until it has one, and comes back when it is too old\n");
}

TEST_CASE("of two aliases with one name the first counts and both are named") {
    const auto parsed =
        parse_aliases("root: alice\nx: y\nRoot: bob\n  carol\n", "a", local, Elsewhere::refused);
    CHECK(table(parsed.value) == "root(a:1): alice\nx(a:2): y\n");
    CHECK(render(parsed.diagnostics) ==
          "a:3:1: warning: \"root\" is an alias already\n"
          "  Root: bob\n"
          "  ^~~~\n"
          "  the one in a:1 counts; this one is left out\n");
}

TEST_CASE("a backslash before a local name means the mailbox and is handed on") {
    CHECK(good("alice: \\alice, bob\n") == "alice(a:1): \\alice bob\n");
    CHECK(good("x: \"\\Root\"\n") == "x(a:1): \\Root\n");
    CHECK(said("x: \\bob@example.org\n") ==
          "a:1:4: error: \"\\\\bob@example.org\" is not an address\n"
          "  x: \\bob@example.org\n"
          "     ^~~~~~~~~~~~~~~~\n"
          "  expected: a local name or NAME@DOMAIN\n");
    CHECK(parse_aliases("x: \\\n", "a", local, Elsewhere::refused)
              .diagnostics.count(Severity::error) == 1);
}

TEST_CASE("what is no alias is an error with its place, each line by itself") {
    CHECK(said("root alice\n"
               "  bob\n"
               "x@example.org: y\n"
               "  z\n"
               "a: b c\n"
               "b: \"open\n"
               "c:\n"
               "d: @\n"
               "e: f\n") ==
          "a:1:11: error: no colon after the name of an alias\n"
          "  root alice\n"
          "            ^\n"
          "  expected: NAME: TARGET, ...\n"
          "a:3:1: error: \"x@example.org\" is not a local name\n"
          "  x@example.org: y\n"
          "  ^~~~~~~~~~~~~\n"
          "  expected: the part of an address before the @\n"
          "a:5:4: error: \"b c\" is not an address\n"
          "  a: b c\n"
          "     ^~~\n"
          "  expected: a comma between two targets\n"
          "a:6:4: error: quotation mark is never closed\n"
          "  b: \"open\n"
          "     ^~~~~\n"
          "  expected: a second quotation mark on the same line\n"
          "a:7:1: error: \"c\" has no target\n"
          "  c:\n"
          "  ^\n"
          "  expected: NAME: TARGET, ...\n"
          "a:8:4: error: \"@\" is not an address\n"
          "  d: @\n"
          "     ^\n"
          "  expected: a local name or NAME@DOMAIN\n");
    CHECK(said("  lost\n  again\n") ==
          "a:1:1: error: a line that begins with a space continues no alias\n"
          "    lost\n"
          "  ^\n"
          "  expected: NAME: TARGET, ...\n");
}

TEST_CASE("an overlong alias line is refused") {
    const auto parsed =
        parse_aliases("a: " + std::string(70'000, 'x'), "a", local, Elsewhere::refused);
    CHECK(parsed.diagnostics.count(Severity::error) == 1);
}

TEST_CASE("a target on another machine is kept and warned of") {
    CHECK(said("root: alice, me@example.net, bob@Example.ORG\n") ==
          "a:1:14: warning: \"me@example.net\" is not on this machine\n"
          "  root: alice, me@example.net, bob@Example.ORG\n"
          "               ^~~~~~~~~~~~~~\n"
          "  mail to it is refused: smtpd.conf has no relay\n");
    CHECK(table(parse_aliases("root: me@example.net\n", "a", local, Elsewhere::refused).value) ==
          "root(a:1): me@example.net\n");
}

TEST_CASE("where there is a relay, a target on another machine is nothing to warn of") {
    const auto parsed = parse_aliases("root: me@example.net\n", "a", local, Elsewhere::relayed);
    CHECK(parsed.diagnostics.all().empty());
    CHECK(table(parsed.value) == "root(a:1): me@example.net\n");
}

TEST_CASE("a long line of targets that are warned of costs no copy of the line for each") {
    std::string line = "all: a@b.example";
    while (line.size() < 60'000) line += ",a@b.example";
    std::string text;
    for (int i = 0; i < 100; ++i) text += "n" + std::to_string(i) + line + "\n";
    const auto parsed = parse_aliases(text, "a", local, Elsewhere::refused);
    CHECK(parsed.diagnostics.all().size() == Diagnostics::max_kept);
    CHECK(parsed.diagnostics.omitted() > 400'000);
}
