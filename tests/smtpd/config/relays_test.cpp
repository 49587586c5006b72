// Relay statements that are good: what the rooms get of them.
#include "smtpd/config/relays.h"

#include "smtpd/config/parse.h"
#include "smtpd/config/plan.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;
using links::RelayTls;

namespace {

const std::string digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string other_digest(64, 'a');

links::Plan plan(const std::string& text) {
    auto parsed = parse(text, "c");
    INFO(text << render(parsed.diagnostics));
    REQUIRE(parsed.diagnostics.all().empty());
    Parts parts;
    parts.settings = std::move(parsed.value);
    parts.names = {"web1.example.net", "example.net"};
    return make_plan(std::move(parts));
}

links::RelayPlan relay(const std::string& words) {
    return plan("relay main " + words + "\n").relay.relays.at(0);
}

std::string description(const std::string& words) {
    return plan("relay main " + words + "\n").qmgr.relays.at(0).description;
}

std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : " ") + item;
    return text;
}

}  // namespace

TEST_CASE("all mail of this machine to me, through my provider") {
    const auto made = plan(
        "hostname web1.example.net\n"
        "relay provider smtps://smtp.example.com user me@example.com secret "
        "file:/etc/holdfast/secret\n"
        "rewrite from me@example.com            # envelope and From:\n"
        "redirect all to me@example.com\n");
    CHECK(made.relay.hostname == "web1.example.net");
    CHECK(joined(made.relay.files) ==
          "/etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /etc/holdfast/secret");
    REQUIRE(made.relay.relays.size() == 1);
    const links::RelayPlan& provider = made.relay.relays[0];
    CHECK(provider.name == "provider");
    CHECK(provider.place == "c:2");
    CHECK(provider.protocol == links::RelayProtocol::smtp);
    CHECK(provider.host == "smtp.example.com");
    CHECK(provider.port == 465);
    CHECK(provider.implicit_tls);
    CHECK(provider.tls == RelayTls::required);
    CHECK(provider.ca_file == links::trusted_file);
    CHECK(provider.user == "me@example.com");
    CHECK(provider.secret_file == links::first_own_file);
    CHECK_FALSE(provider.token);
    CHECK(provider.max_connections == 20);
    CHECK(made.relay.rewrite.from == "me@example.com");
    CHECK(made.relay.rewrite.masquerade.empty());
    CHECK(made.relay.rewrite.local_domains == made.qmgr.local_domains);
    CHECK(made.qmgr.redirect == "me@example.com");
    CHECK(made.qmgr.redirect_place == "c:4");
    REQUIRE(made.qmgr.relays.size() == 1);
    CHECK(made.qmgr.relays[0].name == "provider");
    CHECK(made.qmgr.relays[0].place == "c:2");
    CHECK(made.qmgr.relays[0].max_connections == 20);
    CHECK(made.qmgr.relays[0].description ==
          "smtps://smtp.example.com:465, TLS required, certificate verified (default of "
          "smtps://), login me@example.com with the secret of /etc/holdfast/secret");
    REQUIRE(made.qmgr.routes.size() == 1);
    CHECK(made.qmgr.routes[0].by == links::RouteBy::all);
    CHECK(made.qmgr.routes[0].place == "c:2");
    CHECK(made.qmgr.routes[0].relays == std::vector<std::uint32_t>{0});
    const auto copy = links::decode_struct<links::Plan>(links::encode_struct(made));
    REQUIRE(copy);
    CHECK(links::encode_struct(*copy) == links::encode_struct(made));
}

TEST_CASE("local mail stays local, the rest goes through a relay") {
    const auto made = plan(
        "aliases /etc/aliases\n"
        "local mbox                             # or: local maildir ~/Maildir\n"
        "relay provider submission://smtp.example.com user u secret file:/etc/holdfast/secret\n");
    CHECK(made.relay.relays.at(0).port == 587);
    CHECK_FALSE(made.relay.relays[0].implicit_tls);
    CHECK(made.relay.relays[0].tls == RelayTls::required);
    CHECK(made.qmgr.redirect.empty());
}

TEST_CASE("a relay for a LAN with two providers and a server of its own for some mail") {
    const auto made = plan(
        "listen 10.0.0.1:25 from 10.0.0.0/24\n"
        "relay main  submission://a.example user u secret file:/etc/holdfast/a\n"
        "relay spare smtps://b.example user v secret file:/etc/holdfast/b\n"
        "route sender @shop.example via spare, main\n"
        "route to *.corp.example via smtp://10.0.0.9 tls pin sha256:" +
        digest +
        "\n"
        "route all via main, spare\n");
    REQUIRE(made.relay.relays.size() == 3);
    CHECK(made.relay.relays[2].name == "smtp://10.0.0.9");
    CHECK(made.relay.relays[2].place == "c:5");
    CHECK(made.relay.relays[2].pins == std::vector<std::string>{digest});
    CHECK(made.relay.relays[2].tls == RelayTls::required);
    REQUIRE(made.qmgr.routes.size() == 3);
    const auto& [by_sender, to_corp, rest] =
        std::tie(made.qmgr.routes[0], made.qmgr.routes[1], made.qmgr.routes[2]);
    CHECK(by_sender.by == links::RouteBy::sender);
    CHECK(by_sender.match == links::RouteMatch::domain);
    CHECK(by_sender.pattern == "shop.example");
    CHECK(by_sender.relays == std::vector<std::uint32_t>{1, 0});
    CHECK(by_sender.place == "c:4");
    CHECK(to_corp.by == links::RouteBy::recipient);
    CHECK(to_corp.match == links::RouteMatch::subdomains);
    CHECK(to_corp.pattern == "corp.example");
    CHECK(to_corp.relays == std::vector<std::uint32_t>{2});
    CHECK(rest.by == links::RouteBy::all);
    CHECK(rest.relays == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("TLS is required by smtps and submission, and wherever somebody logs in") {
    const std::string login = " user u secret file:/s";
    CHECK(relay("smtps://a.example").tls == RelayTls::required);
    CHECK(relay("submission://a.example").tls == RelayTls::required);
    CHECK(relay("smtp://a.example").tls == RelayTls::opportunistic);
    CHECK(relay("lmtp://a.example").tls == RelayTls::opportunistic);
    CHECK(relay("smtp://a.example" + login).tls == RelayTls::required);
    CHECK(relay("lmtp://a.example" + login).tls == RelayTls::required);
    CHECK(relay("smtp://127.0.0.1" + login).tls == RelayTls::required);
    CHECK(relay("smtp://a.example tls require").tls == RelayTls::required);
    CHECK(relay("submission://a.example tls none").tls == RelayTls::none);
    CHECK(relay("submission://a.example tls opportunistic").tls == RelayTls::opportunistic);
    CHECK(relay("smtp://127.0.0.1 tls none" + login).tls == RelayTls::none);
    CHECK(relay("smtp://[::1] tls opportunistic" + login).tls == RelayTls::opportunistic);
}

TEST_CASE("the options of a relay stand in any order") {
    for (const std::string words :
         {"token user me source 192.0.2.1,2001:db8::1 secret file:/s connections 3 tls ca /c.pem",
          "tls ca /c.pem connections 3 secret file:/s source 2001:DB8::1 , 192.0.2.1 user me token",
          "connections 3 secret \"file:/s\" user \"me\" tls ca /c.pem token source 192.0.2.1 "
          ",2001:db8::1"}) {
        const auto made = plan("relay main smtp://a.example:26 " + words + "\n");
        const links::RelayPlan& main = made.relay.relays.at(0);
        CHECK(main.port == 26);
        CHECK(main.token);
        CHECK(main.user == "me");
        CHECK(main.source4 == "192.0.2.1");
        CHECK(main.source6 == "2001:db8::1");
        CHECK(main.max_connections == 3);
        CHECK(made.qmgr.relays.at(0).max_connections == 3);
        CHECK(main.tls == RelayTls::required);
        CHECK(made.relay.files.at(main.secret_file) == "/s");
        CHECK(made.relay.files.at(main.ca_file) == "/c.pem");
        CHECK(made.relay.files.size() == 5);
    }
}

TEST_CASE("fingerprints are taken in each of their spellings") {
    std::string with_colons = "SHA256:01";
    for (std::size_t i = 2; i < digest.size(); i += 2) with_colons += ":" + digest.substr(i, 2);
    const auto pins =
        relay("smtp://a.example tls pin " + with_colons + ", sha256:" + std::string(64, 'A')).pins;
    CHECK(pins == std::vector<std::string>{digest, other_digest});
}

TEST_CASE("each file has one number, whoever needs it") {
    const auto made = plan(
        "relay a smtps://a.example user u secret file:/s tls ca /c\n"
        "relay b smtps://b.example user v secret file:/t tls ca /c\n"
        "relay c smtps://c.example user w secret file:/s\n"
        "route all via a, b, c\n");
    CHECK(made.relay.files.size() == links::first_own_file + 3);
    const auto& relays = made.relay.relays;
    CHECK(relays.at(0).ca_file == relays.at(1).ca_file);
    CHECK(relays.at(0).secret_file == relays.at(2).secret_file);
    CHECK(relays.at(0).secret_file != relays.at(1).secret_file);
    CHECK(relays.at(2).ca_file == links::trusted_file);
}

TEST_CASE("one server behind several routes is one relay") {
    const auto made = plan(
        "route to a.example via smtp://10.0.0.9 tls none\n"
        "route to b.example via SMTP://10.0.0.9 tls none\n");
    CHECK(made.relay.relays.size() == 1);
    CHECK(made.qmgr.routes.at(1).relays == made.qmgr.routes.at(0).relays);
    CHECK(made.qmgr.routes.size() == 2);
}

TEST_CASE("without a relay nothing is planned for the room") {
    const auto made = plan("redirect all to root@web1.example.net\n");
    CHECK(links::encode_struct(made.relay) == links::encode_struct(links::RelaySnapshot{}));
    CHECK(made.qmgr.routes.empty());
    CHECK(made.qmgr.redirect == "root@web1.example.net");
}

TEST_CASE("a relay is described for people, with what decided about TLS") {
    CHECK(description("smtp://10.0.0.9") ==
          "smtp://10.0.0.9:25, TLS where it is offered, certificate not verified (default of "
          "smtp://), no login");
    CHECK(description("lmtp://[::1]:26 tls none source 192.0.2.1, ::2") ==
          "lmtp://[::1]:26, no TLS (tls none), no login, from 192.0.2.1, from ::2");
    CHECK(description("smtp://a.example user u secret file:/s token") ==
          "smtp://a.example:25, TLS required, certificate verified (default with a login), login "
          "u with the token of /s");
    CHECK(description("smtp://a.example tls pin sha256:" + digest) ==
          "smtp://a.example:25, TLS required, certificate pinned (tls pin), no login");
    CHECK(description("smtps://a.example tls ca /c.pem") ==
          "smtps://a.example:465, TLS required, certificate verified with /c.pem (tls ca), no "
          "login");
    CHECK(description("smtps://a.example tls require") ==
          "smtps://a.example:465, TLS required, certificate verified (tls require), no login");
}

TEST_CASE("senders are rewritten and masqueraded with their domains in lower case") {
    const auto made = plan(
        "relay a smtps://a.example\nrewrite from Me@Example.COM\nmasquerade Example.ORG\n"
        "redirect all to Root@A.Example\n");
    CHECK(made.relay.rewrite.from == "Me@example.com");
    CHECK(made.relay.rewrite.masquerade == "example.org");
    CHECK(made.qmgr.redirect == "Root@a.example");
}

TEST_CASE("clients of a listener's networks may send to other machines") {
    auto parsed = parse(
        "relay a smtps://a.example\ncert a.example /c\n"
        "listen 10.0.0.1:25 from 10.0.0.0/24,2001:db8::/32 , 10.0.0.0/24 starttls\n"
        "listen *:465 smtps from 192.0.2.7\nlisten 10.0.0.2:25\n",
        "c");
    REQUIRE(parsed.diagnostics.all().empty());
    Parts parts;
    parts.listeners = {{.text = "10.0.0.1:25"},
                       {.text = "0.0.0.0:465"},
                       {.text = "[::]:465"},
                       {.text = "10.0.0.2:25"}};
    parts.settings = std::move(parsed.value);
    parts.names = {"host", "host"};
    const auto rights = make_plan(std::move(parts)).smtpin.relay_rights;
    REQUIRE(rights.size() == 3);
    CHECK(rights[0].listener == "10.0.0.1:25");
    CHECK(joined(rights[0].networks) == "10.0.0.0/24 2001:db8::/32");
    CHECK(rights[1].listener == "0.0.0.0:465");
    CHECK(joined(rights[1].networks) == "192.0.2.7/32");
    CHECK(rights[2].listener == "[::]:465");
}
