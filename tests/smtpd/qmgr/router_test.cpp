#include "smtpd/qmgr/router.h"

#include <map>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

// Asks a table as the room asks the users room: what is not asked for yet is not known.
class World {
  public:
    explicit World(const links::QmgrSnapshot& snapshot = config()) : router(snapshot) {}

    void alias(std::string name, std::vector<std::string> targets) {
        aliases_.aliases.push_back({std::move(name), std::move(targets), "/etc/aliases:1"});
        router.use(AliasTable(aliases_));
    }

    Route route(std::string_view recipient, std::string_view sender = "x@example.org") {
        return finish(
            [&](const KnownUser& known) { return router.route({recipient, sender}, known); });
    }
    Route resume(const std::vector<std::string>& keys, std::string_view sender = {}) {
        return finish([&](const KnownUser& known) { return router.resume(keys, sender, known); });
    }

    std::map<std::string, UserAnswer, std::less<>> users{
        {"alice", {links::Lookup::found, "alice"}},
        {"bob", {links::Lookup::found, "bob"}},
        {"Carol", {links::Lookup::found, "Carol"}},
        {"away", {links::Lookup::failed, {}}},
    };
    Router router;

    static links::QmgrSnapshot config() {
        links::QmgrSnapshot snapshot;
        snapshot.origin = "box.example.net";
        snapshot.local_domains = {"box.example.net", "localhost"};
        return snapshot;
    }

  private:
    template <class Attempt>
    Route finish(Attempt attempt) {
        std::map<std::string, UserAnswer, std::less<>> asked;
        for (int round = 0; round < 5000; ++round) {
            Route route = attempt([&](std::string_view name) -> const UserAnswer* {
                const auto at = asked.find(name);
                return at == asked.end() ? nullptr : &at->second;
            });
            if (route.questions.empty()) return route;
            for (const std::string& name : route.questions) {
                const auto at = users.find(name);
                asked[name] =
                    at == users.end() ? UserAnswer{links::Lookup::unknown, {}} : at->second;
            }
        }
        FAIL("the router never stops asking");
        return {};
    }

    links::AliasSnapshot aliases_;
};

std::string text(const Route& route) {
    std::string result;
    for (const Target& target : route.targets) {
        if (!result.empty()) result += " ";
        if (const auto* mailbox = std::get_if<MailboxOf>(&target.way)) {
            result += mailbox->user;
        } else if (const auto* elsewhere = std::get_if<Elsewhere>(&target.way)) {
            result += elsewhere->address + " by " + std::to_string(elsewhere->route);
        } else {
            result += std::get<Outcome>(target.way).enhanced;
        }
    }
    return result;
}

}  // namespace

TEST_CASE("a user gets the mail of his name, in any case and with any tag") {
    World world;
    CHECK(text(world.route("alice@box.example.net")) == "alice");
    CHECK(text(world.route("alice@LOCALHOST")) == "alice");
    CHECK(text(world.route("ALICE@box.example.net")) == "alice");
    CHECK(text(world.route("Carol@box.example.net")) == "Carol");
    CHECK(text(world.route("alice+lists@box.example.net")) == "alice");
    CHECK(text(world.route("\"alice\"@box.example.net")) == "alice");
    CHECK_FALSE(world.route("alice+lists@box.example.net").aliased);
    CHECK(world.route("alice@box.example.net").targets.front().key.empty());
}

TEST_CASE("a name that nobody has is refused, and a lookup that fails is tried again") {
    World world;
    CHECK(text(world.route("nobody@box.example.net")) == "5.1.1");
    CHECK(text(world.route("+tag@box.example.net")) == "5.1.1");
    CHECK(text(world.route("\"../etc/passwd\"@box.example.net")) == "5.1.1");
    CHECK(text(world.route("\"a b\"@box.example.net")) == "5.1.1");
    CHECK(text(world.route("no address")) == "5.1.3");
    const Route away = world.route("away@box.example.net");
    CHECK(std::get<Outcome>(away.targets.front().way).verdict == Verdict::retry);
}

TEST_CASE("a recipient elsewhere is refused and told why") {
    World world;
    const Route route = world.route("someone@example.org");
    CHECK(text(route) == "5.7.1");
    CHECK(std::get<Outcome>(route.targets.front().way).text.find("someone@example.org") !=
          std::string::npos);
    world.alias("far", {"someone@example.org", "alice"});
    CHECK(text(world.route("far@localhost")) == "5.7.1 alice");
}

namespace {

// Of config.md's fifth example: three routes, two relays and one without a name.
links::QmgrSnapshot with_routes() {
    using links::RouteBy;
    using links::RouteMatch;
    links::QmgrSnapshot snapshot = World::config();
    snapshot.relays = {
        {"main", "c:1", {}, 20}, {"spare", "c:2", {}, 20}, {"smtp://x", "c:4", {}, 20}};
    snapshot.routes = {
        {RouteBy::sender, RouteMatch::domain, "shop.example", {1, 0}, "c:3"},
        {RouteBy::recipient, RouteMatch::subdomains, "corp.example", {2}, "c:4"},
        {RouteBy::recipient, RouteMatch::address, "Bob@example.org", {1}, "c:5"},
        {RouteBy::recipient, RouteMatch::domain, "example.org", {0}, "c:6"},
    };
    return snapshot;
}

}  // namespace

TEST_CASE("the first route that fits decides which way mail leaves") {
    World world(with_routes());
    CHECK(text(world.route("a@example.org")) == "a@example.org by 3");
    CHECK(text(world.route("a@EXAMPLE.org")) == "a@example.org by 3");
    CHECK(text(world.route("Bob@example.org")) == "Bob@example.org by 2");
    CHECK(text(world.route("bob@example.org")) == "bob@example.org by 3");
    CHECK(text(world.route("a@example.org", "me@Shop.example")) == "a@example.org by 0");
    CHECK(text(world.route("a@x.corp.example")) == "a@x.corp.example by 1");
    CHECK(text(world.route("a@corp.example")) == "5.7.1");
    CHECK(text(world.route("a@xcorp.example")) == "5.7.1");
    CHECK(text(world.route("a@example.com", "")) == "5.7.1");
    CHECK(world.router.table().names({1, 0}) == "spare, main");
}

TEST_CASE("F52 an expansion that was fixed takes the route that is there today") {
    World world(with_routes());
    world.alias("team", {"alice", "a@example.org"});
    CHECK(text(world.route("team@localhost")) == "alice a@example.org by 3");
    const Route again = world.resume({"alice", "a@example.org"}, "me@shop.example");
    CHECK(text(again) == "alice a@example.org by 0");
    CHECK(again.targets[1].key == "a@example.org");
}

TEST_CASE("redirect all sends every recipient to one address, and no alias is asked") {
    links::QmgrSnapshot snapshot = with_routes();
    snapshot.redirect = "me@example.org";
    snapshot.redirect_place = "c:7";
    World world(snapshot);
    world.alias("bob", {"alice"});
    for (const char* to :
         {"bob@localhost", "nobody@localhost", "root@localhost", "a@example.com"}) {
        const Route route = world.route(to);
        CHECK(text(route) == "me@example.org by 3");
        CHECK(route.targets.front().key == "me@example.org");
    }
    CHECK(text(world.route("no address")) == "5.1.3");
    snapshot.redirect = "bob@localhost";
    World local(snapshot);
    local.alias("bob", {"alice"});
    CHECK(text(local.route("root@localhost")) == "alice");
}

TEST_CASE("who writes a recipient cannot pass an alias by, only the administrator can") {
    World world;
    world.alias("root", {"alice"});
    world.alias("bob", {"\\bob", "\\root"});
    CHECK(text(world.route("\"\\\\root\"@localhost")) == "5.1.1");
    CHECK(text(world.route("\"\\\\bob\"@localhost")) == "5.1.1");
    CHECK(text(world.route("\"\\\\bob+x\"@localhost")) == "5.1.1");
    CHECK(text(world.route("bob@localhost")) == "bob root");
}

TEST_CASE("root and postmaster always have a mailbox") {
    World world;
    CHECK(text(world.route("root@box.example.net")) == "root");
    CHECK(text(world.route("Root@box.example.net")) == "root");
    CHECK(text(world.route("POSTMASTER@localhost")) == "root");
    CHECK(text(world.route("Postmaster")) == "root");
    world.alias("root", {"alice"});
    CHECK(text(world.route("root@box.example.net")) == "alice");
    CHECK(text(world.route("postmaster@box.example.net")) == "alice");
    world.alias("postmaster", {"bob"});
    CHECK(text(world.route("postmaster@box.example.net")) == "bob");
}

TEST_CASE("an alias comes before the user of its name, and leads through other aliases") {
    World world;
    world.alias("alice", {"bob"});
    world.alias("team", {"ALICE", "Carol@localhost", "bob", "nobody"});
    CHECK(text(world.route("alice@localhost")) == "bob");
    const Route team = world.route("Team@localhost");
    CHECK(team.aliased);
    CHECK(text(team) == "bob Carol 5.1.1");
    CHECK(team.targets.front().key == "bob");
    world.alias("sales", {"alice"});
    CHECK(text(world.route("sales+spring@localhost")) == "bob");
}

TEST_CASE("an alias that names itself, or a name behind a backslash, is the mailbox") {
    World world;
    world.alias("alice", {"alice", "bob"});
    CHECK(text(world.route("alice@localhost")) == "alice bob");
    world.alias("bob", {"\\bob", "alice"});
    CHECK(text(world.route("bob@localhost")) == "bob alice");
    world.alias("root", {"postmaster"});
    CHECK(text(world.route("root@localhost")) == "root");
}

TEST_CASE("F37 alias cycles end, with the mailboxes that they reach or a refusal") {
    World world;
    world.alias("a", {"b"});
    world.alias("b", {"c", "alice"});
    world.alias("c", {"a"});
    CHECK(text(world.route("a@localhost")) == "alice");
    world.alias("x", {"y"});
    world.alias("y", {"x"});
    const Route loop = world.route("x@localhost");
    CHECK(text(loop) == "5.4.6");
    CHECK(std::get<Outcome>(loop.targets.front().way).text.find("/etc/aliases:1") !=
          std::string::npos);
}

TEST_CASE("an alias that has lost all of its lines keeps the mail until it is mended") {
    World world;
    world.alias("broken", {});
    world.alias("team", {"alice", "broken"});
    for (const std::string to : {"broken@localhost", "team@localhost"}) {
        const Route route = world.route(to);
        CHECK(route.aliased);
        CHECK(text(route) == "4.3.5");
        const Outcome outcome = std::get<Outcome>(route.targets.front().way);
        CHECK(outcome.verdict == Verdict::retry);
        CHECK(outcome.text.find("\"broken\" can be used (/etc/aliases:1)") != std::string::npos);
    }
}

TEST_CASE("F37 a fan-out of 2^30 is expanded once for each name") {
    World world;
    for (int i = 0; i < 30; ++i) {
        const std::string next = "n" + std::to_string(i + 1);
        world.alias("n" + std::to_string(i), {next, next});
    }
    world.alias("n30", {"alice"});
    CHECK(text(world.route("n0@localhost")) == "alice");
}

TEST_CASE("F37 an alias of too many names is refused as a whole") {
    World world;
    std::vector<std::string> targets(Router::max_names + 1, "alice");
    world.alias("many", targets);
    CHECK(text(world.route("many@localhost")) == "5.4.6");
    targets.resize(Router::max_names - 1);
    world.alias("fits", targets);
    CHECK(text(world.route("fits@localhost")) == "alice");
}

TEST_CASE("a fixed expansion follows no alias any more") {
    World world;
    world.alias("alice", {"bob"});
    const Route route = world.resume({"alice", "Bob+tag", "someone@example.org", "nobody"});
    CHECK(route.aliased);
    CHECK(text(route) == "alice bob 5.7.1 5.1.1");
    CHECK(route.targets[1].key == "Bob+tag");
    CHECK(text(world.resume({"postmaster", "root"})) == "root root");
}

TEST_CASE("a login name from the user database is checked before root hears of it") {
    World world;
    for (const std::string name : {"-rf", "a/b", "a:b", "a b", ".", "..", "a@b", "a\n", ""}) {
        CHECK_FALSE(is_login_name(name));
    }
    CHECK_FALSE(is_login_name(std::string(65, 'a')));
    CHECK(is_login_name("www-data"));
    world.users["evil"] = {links::Lookup::found, "../evil"};
    CHECK(text(world.route("evil@localhost")) == "5.1.1");
}
