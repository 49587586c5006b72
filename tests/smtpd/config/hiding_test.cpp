#include "smtpd/config/hiding.h"

#include "smtpd/config/parse.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast::config;

TEST_CASE("what may be a secret is hidden to the end of the line, with its length") {
    CHECK(without_secrets("relay p smtps://h user u secret hunter2") ==
          "relay p smtps://h user u secret ********");
    CHECK(without_secrets("secret \"a b\" tls none # x") == "secret ********          ");
    CHECK(without_secrets("secret=x tls") == "secret=********");
    CHECK(without_secrets("password hunter2") == "password ********");
    CHECK(without_secrets("Pass: hunter2") == "Pass: ********");
    CHECK(without_secrets("user u token ya29.x") == "user u token ********");
    CHECK(without_secrets("\tsecret\t/etc/x") == "\tsecret\t********");
    CHECK(without_secrets("\"secret\" x") == "\"secret\" ********");
}

TEST_CASE("the user and password of a URL are hidden, and what follows stays in its columns") {
    CHECK(without_secrets("p smtps://me:hunter2@h user") == "p smtps://**********@h user");
    CHECK(without_secrets("p smtps://me:hun@/er2@h user") == "p smtps://***********@h user");
    CHECK(without_secrets("p me:hunter2@h user") == "p **********@h user");
    CHECK(without_secrets("p smtps://h?pass=x user") == "p smtps://h******* user");
    CHECK(without_secrets("p smtps://me@h:26 a") == "p smtps://me@h:26 a");
}

TEST_CASE("lines without a secret are shown as they are") {
    for (const auto* line :
         {"", "  ", "relay p smtps://h:1 user u secret file:/etc/s tls none # note",
          "relay p smtps://h secret \"file:/etc/my s\"", "secret", "token", "token tls none",
          "token  # note", "token secret file:/s", "redirect all to me@example.com",
          "route to @a.example via b", "listen [::1]:25", "a:b x@y", "secretary x", "a:b @"}) {
        CHECK(without_secrets(line) == line);
    }
}

TEST_CASE("a secret in smtpd.conf never reaches what is said about it") {
    for (const std::string line : {"relay p smtps://h.example user u secret hunter2",
                                   "relay p smtps://h.example user u secret hunter2 hunter2",
                                   "relay p smtps://h.example secret hunter2 user u",
                                   "relay p smtps://h.example user u secret \"hunter2 hunter2\"",
                                   "relay p smtps://h.example user u secret \"hunter2",
                                   "relay p smtps://h.example user u secret x\"hunter2",
                                   "relay p smtps://h.example user u secret =hunter2",
                                   "relay p smtps://h.example user u secret=hunter2",
                                   "relay p smtps://h.example user u secret:hunter2",
                                   "relay p smtps://h.example user u password hunter2",
                                   "relay p smtps://h.example user u PASSWORD hunter2",
                                   "relay p smtps://h.example user u token hunter2",
                                   "relay p smtps://h.example user u token=hunter2",
                                   "relay p smtps://h.example user u token secret hunter2",
                                   "relay p smtsp://h.example user u secret hunter2",
                                   "relay p smtps://u:hunter2@h.example",
                                   "relay p smtps://u:hunter2@h.example/x",
                                   "relay p u:hunter2@h.example",
                                   "relay smtps://u:hunter2@h.example",
                                   "relay smtps://u:hunter2@h.example secret hunter2",
                                   "relay u:hunter2@h.example",
                                   "rely p smtps://h.example user u secret hunter2",
                                   "route all via smtps://h.example user u secret hunter2",
                                   "route all via smtps://u:hunter2@h.example",
                                   "route all via a, smtps://u:hunter2@h.example",
                                   "route all via u:hunter2@h.example",
                                   "relay p smtps://h.example?auth=hunter2"}) {
        INFO(line);
        const auto parsed = parse("hostname a.example\n" + line + "\n", "c");
        CHECK(parsed.diagnostics.has_errors());
        CHECK(render(parsed.diagnostics).find("hunter2") == std::string::npos);
        CHECK(to_json(parsed.diagnostics).find("hunter2") == std::string::npos);
    }
}
