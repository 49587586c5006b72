#include "smtpd/config/parse.h"

#include "smtpd/config/plan.h"
#include "smtpd/config/render.h"
#include "smtpd/config/statements.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

Settings good(std::string_view text) {
    auto parsed = parse(text, "c");
    INFO(render(parsed.diagnostics));
    REQUIRE(parsed.diagnostics.all().empty());
    return std::move(parsed.value);
}

}  // namespace

TEST_CASE("an empty file leaves every default alone") {
    const Settings settings = good("\n# nothing\n   \n");
    CHECK(links::encode_struct(settings.qmgr) == links::encode_struct(links::QmgrSnapshot{}));
    CHECK(links::encode_struct(settings.smtpin) == links::encode_struct(links::SmtpinSnapshot{}));
    CHECK(links::encode_struct(settings.mda) == links::encode_struct(links::MdaSnapshot{}));
    CHECK_FALSE(settings.hostname);
    CHECK_FALSE(settings.aliases);
    CHECK(settings.listens.empty());
}

TEST_CASE("each statement sets what it names") {
    const Settings settings = good(
        "hostname Web1.Example.NET\n"
        "origin Example.net\n"
        "aliases \"/etc/my aliases\"\n"
        "local maildir ~/Mail/in/\n"
        "listen *:25\n"
        "listen 127.0.0.1:2525\n"
        "listen *:587 starttls\n"
        "listen *:465 smtps\n"
        "cert Mail.A.example /etc/live/a//\n"
        "cert mail.a.example chain \"/etc/my certs/a.pem\" key /etc/a.key\n"
        "domain b.example\n"
        "domain A.example\n"
        "limit message 1M\n"
        "limit recipients 200\n"
        "limit sessions 30 per-client 3\n"
        "limit agents 7\n"
        "limit drain 0s up-to 90s\n"
        "queue retry 2m up-to 2h\n"
        "queue warn 1d\n"
        "queue expire 1d12h\n");
    CHECK(settings.hostname->value == "web1.example.net");
    CHECK(settings.origin->value == "example.net");
    CHECK(settings.aliases->value == "/etc/my aliases");
    CHECK(settings.aliases->place.text() == "c:3");
    CHECK(settings.mda.mailbox == links::Mailbox::maildir);
    CHECK(settings.mda.maildir == "Mail/in");
    REQUIRE(settings.listens.size() == 4);
    CHECK(settings.listens[1].endpoints.front().tls == links::TlsMode::none);
    CHECK(settings.listens[2].endpoints.back().tls == links::TlsMode::starttls);
    CHECK(settings.listens[3].endpoints.front().tls == links::TlsMode::implicit);
    REQUIRE(settings.certs.size() == 2);
    CHECK(settings.certs[0].host.value == "mail.a.example");
    CHECK(settings.certs[0].chain.value == "/etc/live/a/fullchain.pem");
    CHECK(settings.certs[0].key.value == "/etc/live/a/privkey.pem");
    CHECK(settings.certs[1].chain.value == "/etc/my certs/a.pem");
    CHECK(settings.certs[1].key.value == "/etc/a.key");
    CHECK(settings.domains.contains("a.example"));
    CHECK(settings.smtpin.max_message_bytes == 1'000'000);
    CHECK(settings.control.max_message_bytes == 1'000'000);
    CHECK(settings.qmgr.max_message_bytes == 1'000'000);
    CHECK(settings.smtpin.max_recipients == 200);
    CHECK(settings.smtpin.max_sessions == 30);
    CHECK(settings.smtpin.max_sessions_per_client == 3);
    CHECK(settings.qmgr.max_agents == 7);
    CHECK(settings.smtpin.drain_seconds == 0);
    CHECK(settings.smtpin.drain_limit_seconds == 90);
    CHECK(settings.qmgr.retry_first_seconds == 120);
    CHECK(settings.qmgr.retry_limit_seconds == 7200);
    CHECK(settings.qmgr.warn_seconds == 86400);
    CHECK(settings.qmgr.expire_seconds == 129600);
}

TEST_CASE("one client never may have more sessions than there are") {
    CHECK(good("limit sessions 10").smtpin.max_sessions_per_client == 10);
    CHECK(good("limit sessions 1000").smtpin.max_sessions_per_client == 50);
}

TEST_CASE("line ends of other systems and a byte order mark do no harm") {
    CHECK(good("\xef\xbb\xbfhostname a.example\r\norigin b.example\r\n").origin->value ==
          "b.example");
    CHECK(good("hostname a.example").hostname->value == "a.example");
}

TEST_CASE("the built-in default is good and names no file") {
    const auto parsed = parse_default();
    CHECK(parsed.diagnostics.all().empty());
    CHECK(parsed.value.file.empty());
    CHECK(parsed.value.listens.size() == 1);
}

TEST_CASE("every room gets the names and the local domains that it needs") {
    Parts parts;
    parts.settings = good(
        "domain b.example\nlocal mbox\nlisten *:25 starttls\ncert B.example /b\n"
        "cert c.example chain /c.pem key /c.key\n");
    parts.names = {"host.example", "origin.example"};
    parts.listeners = {
        {.text = "127.0.0.1:25", .place = "c:1", .address = "127.0.0.1", .port = 25}};
    parts.aliases.aliases = {{"root", {"alice"}, "a:1"}};
    parts.accounts = {{{"smtpin", 10, 20}}, 8, 30, 40};
    const links::Plan plan = make_plan(std::move(parts));
    CHECK(plan.config == "c");
    CHECK(plan.smtpin.hostname == "host.example");
    CHECK(plan.control.hostname == "host.example");
    CHECK(plan.control.origin == "origin.example");
    CHECK(plan.qmgr.hostname == "host.example");
    CHECK(plan.qmgr.origin == "origin.example");
    CHECK(plan.qmgr.local_domains == std::vector<std::string>{"b.example", "host", "host.example",
                                                              "localhost", "origin.example"});
    CHECK(plan.mda.hostname == "host.example");
    CHECK(plan.mda.mail_gid == 8);
    CHECK(plan.mda.root_uid == 30);
    CHECK(plan.mda.root_gid == 40);
    CHECK(plan.identities.front().uid == 10);
    CHECK(plan.listeners.size() == 1);
    REQUIRE(plan.certificates.size() == 2);
    CHECK(plan.certificates[0].host == "b.example");
    CHECK(plan.certificates[0].place == "c:4");
    CHECK(plan.certificates[0].chain == "/b/fullchain.pem");
    CHECK(plan.certificates[0].key == "/b/privkey.pem");
    CHECK(plan.certificates[1].place == "c:5");
    const auto copy = links::decode_struct<links::Plan>(links::encode_struct(plan));
    REQUIRE(copy);
    CHECK(copy->aliases.aliases.front().targets.front() == "alice");
}

TEST_CASE("the table of statements is sorted and its names are unique") {
    const auto rows = statements();
    for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i - 1].name < rows[i].name);
    for (const Statement& row : rows) CHECK(row.syntax.starts_with(row.name));
}

TEST_CASE("what takes effect is kept as written, without what has no effect") {
    const auto parsed = parse(
        "# mail\n  hostname\tA.example # ours\n\naliases \"/etc/my aliases\"\n", "smtpd.conf");
    CHECK(parsed.value.statements ==
          std::vector<std::string>{"hostname A.example", "aliases \"/etc/my aliases\""});
}
