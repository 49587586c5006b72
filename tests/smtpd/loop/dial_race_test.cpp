// Which address is tried when, on a clock that a test moves.
#include "smtpd/loop/dial_race.h"

#include "tests/catch.h"

using namespace holdfast;
using std::chrono::milliseconds;
using Blame = DialFailure::Blame;

namespace {

std::vector<IpAddress> addresses(std::initializer_list<const char*> literals) {
    std::vector<IpAddress> result;
    for (const char* const literal : literals) result.push_back(*IpAddress::parse(literal));
    return result;
}

std::string texts(const std::vector<IpAddress>& list) {
    std::string result;
    for (const IpAddress& address : list) result += address.text() + " ";
    return result;
}

constexpr MonoTime start{std::chrono::hours(1)};
constexpr Duration limit = std::chrono::seconds(30);

MonoTime at(int ms) {
    return start + milliseconds(ms);
}

DialFailure refused() {
    return {Blame::theirs, "Connection refused"};
}

struct Race : DialRace {
    explicit Race(std::initializer_list<const char*> literals)
        : DialRace(addresses(literals), start, limit) {}

    // The addresses that are begun at this time.
    std::string begun(int ms) {
        std::string result;
        while (const auto place = next(at(ms))) result += order()[*place].text() + " ";
        return result;
    }
};

}  // namespace

TEST_CASE("the families take turns, IPv6 first, each in its own order, no address twice") {
    CHECK(texts(interleaved(addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1",
                                       "2001:db8::2", "2001:db8::3", "2001:db8::1"}))) ==
          "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3 ");
    CHECK(texts(interleaved(addresses({"192.0.2.2", "192.0.2.1"}))) == "192.0.2.2 192.0.2.1 ");
    CHECK(interleaved({}).empty());
}

TEST_CASE("each silent address gets a head start of a quarter of a second") {
    Race race{"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    CHECK(race.wake() == start);
    CHECK(race.begun(0) == "2001:db8::1 ");
    CHECK(race.wake() == at(250));
    CHECK(race.begun(249).empty());
    CHECK(race.begun(250) == "192.0.2.1 ");
    CHECK(race.begun(600) == "192.0.2.2 ");
    // All are under way: nothing but the end of the time is waited for.
    CHECK(race.wake() == start + limit);
    CHECK(race.begun(5000).empty());
    CHECK_FALSE(race.lost(at(29'999)));
    CHECK(race.lost(at(30'000)));
    CHECK(race.account(25).blame == Blame::theirs);
    CHECK(race.account(25).why ==
          "[2001:db8::1]:25: no answer; 192.0.2.1:25: no answer; 192.0.2.2:25: no answer");
}

TEST_CASE("an address that fails gives its place to the next one at once") {
    Race race{"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    CHECK(race.begun(0) == "2001:db8::1 ");
    race.failed(0, {Blame::theirs, "Network is unreachable"}, at(1));
    CHECK(race.wake() == at(1));
    CHECK(race.begun(1) == "192.0.2.1 ");
    race.failed(1, refused(), at(100));
    CHECK(race.begun(100) == "192.0.2.2 ");
    CHECK_FALSE(race.lost(at(100)));
    race.failed(2, refused(), at(200));
    CHECK(race.lost(at(200)));
    CHECK(race.account(465).why ==
          "[2001:db8::1]:465: Network is unreachable; 192.0.2.1:465: Connection refused; "
          "192.0.2.2:465: Connection refused");
}

TEST_CASE("an address that fails after the next has begun costs that one nothing") {
    Race race{"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    CHECK(race.begun(0) == "192.0.2.1 ");
    CHECK(race.begun(250) == "192.0.2.2 ");
    race.failed(0, refused(), at(300));
    CHECK(race.begun(300) == "192.0.2.3 ");
    race.failed(2, refused(), at(301));
    CHECK_FALSE(race.lost(at(301)));
    CHECK(race.account(25).why ==
          "192.0.2.1:25: Connection refused; 192.0.2.2:25: no answer; 192.0.2.3:25: Connection "
          "refused");
}

TEST_CASE("F23 out of descriptors the same address is tried again, after a rest") {
    Race race{"192.0.2.1", "192.0.2.2"};
    for (int ms = 0; ms < 30'000; ms += 200) {
        CHECK(race.begun(ms) == "192.0.2.1 ");
        race.starved(0, "Too many open files", at(ms));
        CHECK(race.wake() == std::min(at(ms + 200), start + limit));
        CHECK(race.begun(ms + 199).empty());
    }
    CHECK(race.lost(at(30'000)));
    CHECK(race.account(25).blame == Blame::ours);
    CHECK(race.account(25).why == "192.0.2.1:25: Too many open files");
}

TEST_CASE("a shortage that is over leaves no trace") {
    Race race{"192.0.2.1"};
    CHECK(race.begun(0) == "192.0.2.1 ");
    race.starved(0, "Too many open files", at(0));
    CHECK(race.begun(200) == "192.0.2.1 ");
    race.failed(0, refused(), at(300));
    CHECK(race.lost(at(300)));
    CHECK(race.account(25).blame == Blame::theirs);
    CHECK(race.account(25).why == "192.0.2.1:25: Connection refused");
}

TEST_CASE("where one family cannot be tried at all, the addresses of the other are") {
    Race race{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"};
    CHECK(race.begun(0) == "2001:db8::1 ");
    race.family_failed(0, {Blame::ours, "from 2001:db8::9: Cannot assign requested address"},
                       at(0));
    CHECK(race.begun(0) == "192.0.2.1 ");
    CHECK(race.begun(250) == "192.0.2.2 ");
    race.failed(1, refused(), at(300));
    race.failed(3, refused(), at(300));
    CHECK(race.lost(at(300)));
    CHECK(race.account(25).blame == Blame::theirs);
    CHECK(race.account(25).why ==
          "[2001:db8::1]:25: from 2001:db8::9: Cannot assign requested address; 192.0.2.1:25: "
          "Connection refused; 192.0.2.2:25: Connection refused");
}

TEST_CASE("the failure is ours where no address got as far as the network") {
    Race race{"192.0.2.1", "192.0.2.2"};
    CHECK(race.begun(0) == "192.0.2.1 ");
    race.family_failed(0, {Blame::ours, "from 192.0.2.9: Cannot assign requested address"}, at(0));
    CHECK(race.lost(at(0)));
    CHECK(race.account(25).blame == Blame::ours);
}

TEST_CASE("without addresses, or without time, a race is lost before it begins") {
    Race none{};
    CHECK(none.begun(0).empty());
    CHECK(none.lost(start));
    CHECK(none.account(25).blame == Blame::theirs);
    CHECK(none.account(25).why == "there is no address to connect to");
    DialRace late(addresses({"192.0.2.1"}), start, Duration::zero());
    CHECK_FALSE(late.next(start));
    CHECK(late.lost(start));
}

TEST_CASE("F21 of very many addresses only the first are tried") {
    std::vector<IpAddress> many;
    for (int i = 0; i < 256; ++i) many.push_back(*IpAddress::parse("192.0.2." + std::to_string(i)));
    const DialRace race(many, start, limit);
    CHECK(race.order().size() == DialRace::max_addresses);
}
