#include "smtpd/mda/maildir.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

using Catch::Contains;
namespace files = std::filesystem;

const std::string text = "Subject: hello\n\nFrom here\n";

struct Home : Scratch {
    Result<Maildir> open(const std::string& below = "Maildir",
                         const std::string& host = "host") const {
        return Maildir::open({path(), below, host});
    }
    std::vector<std::string> names(const std::string& folder) const {
        std::vector<std::string> result;
        for (const auto& entry : files::directory_iterator(at("Maildir/" + folder))) {
            result.push_back(entry.path().filename());
        }
        return result;
    }
    std::size_t count() const {
        return names("tmp").size() + names("new").size() + names("cur").size();
    }
};

Parcel parcel_for(const Maildir& maildir, const links::Deliver& order) {
    Parcel parcel{order, Content(maildir.head(order))};
    REQUIRE(parcel.content.append(text));
    return parcel;
}

std::vector<Outcome> store(const Maildir& maildir, const std::vector<links::Deliver>& orders) {
    std::vector<Parcel> batch;
    for (const auto& order : orders) batch.push_back(parcel_for(maildir, order));
    return maildir.store(batch);
}

links::Deliver again(unsigned number) {
    links::Deliver order = order_of(number);
    order.repeated = true;
    return order;
}

}  // namespace

TEST_CASE("a Maildir is made for the user alone, and a message arrives in new") {
    const Home home;
    umask(022);
    const auto maildir = home.open();
    REQUIRE(maildir);
    for (const char* part : {"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"}) {
        struct stat facts{};
        REQUIRE(stat(home.at(part).c_str(), &facts) == 0);
        CHECK((facts.st_mode & 07777) == 0700);
    }
    const auto outcomes = store(*maildir, {order_of(1), order_of(2)});
    REQUIRE(outcomes.size() == 2);
    CHECK(outcomes[1].verdict == Verdict::delivered);
    CHECK(outcomes[1].place == "maildir");
    const std::string name = "1795247418.H01HF0000000000000000000001R0.host";
    CHECK(maildir_name(order_of(1), "host") == name);
    CHECK(read_file(home.at("Maildir/new/" + name)) == maildir->head(order_of(1)) + text);
    CHECK(home.names("tmp").empty());
    CHECK(home.names("new").size() == 2);
}

TEST_CASE("a repeated delivery finds the message, new or read, and whatever the host is called") {
    const Home home;
    const auto maildir = home.open();
    REQUIRE(maildir);
    REQUIRE(store(*maildir, {order_of(1), order_of(2), order_of(3)}).size() == 3);
    const auto name = [](unsigned number) { return maildir_name(order_of(number), "host"); };
    files::rename(home.at("Maildir/new/" + name(2)), home.at("Maildir/cur/" + name(2) + ":2,S"));
    files::rename(home.at("Maildir/new/" + name(3)), home.at("Maildir/cur/" + name(3) + ",S=9:2,"));
    const auto renamed = home.open("Maildir", "other-host");
    REQUIRE(renamed);
    for (const Maildir* each : {&*maildir, &*renamed}) {
        const auto outcomes = store(*each, {again(1), again(2), again(3), again(4)});
        REQUIRE(outcomes.size() == 4);
        for (const Outcome& outcome : outcomes) CHECK(outcome.verdict == Verdict::delivered);
        CHECK(home.count() == 4);
    }
    links::Deliver other_recipient = again(1);
    other_recipient.recipient = 1;
    CHECK(store(*maildir, {other_recipient}).front().verdict == Verdict::delivered);
    CHECK(home.count() == 5);
}

TEST_CASE("what an attempt left in tmp, cut at any byte, becomes one complete message") {
    const Home home;
    const auto maildir = home.open();
    REQUIRE(maildir);
    const std::string name = maildir_name(order_of(1), "host");
    const std::string whole = maildir->head(order_of(1)) + text;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        write_file(home.at("Maildir/tmp/" + name), whole.substr(0, cut));
        REQUIRE(store(*maildir, {again(1)}).front().verdict == Verdict::delivered);
        REQUIRE(read_file(home.at("Maildir/new/" + name)) == whole);
        REQUIRE(home.count() == 1);
        files::remove(home.at("Maildir/new/" + name));
    }
}

TEST_CASE("F40 a message that does not fit leaves nothing, and those beside it arrive") {
    const Home home;
    const int status = run_as(0, 0, [&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const auto maildir = home.open();
        if (!maildir) return 1;
        std::vector<Parcel> batch;
        batch.push_back(Parcel{order_of(1), Content(text)});
        batch.push_back(Parcel{order_of(2), Content(std::string(20'000, 'x'))});
        const rlimit full{10'000, 10'000};
        if (setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
        const auto outcomes = maildir->store(batch);
        if (outcomes[0].verdict != Verdict::delivered) return 3;
        return outcomes[1].verdict == Verdict::retry && outcomes[1].enhanced == "4.2.2" ? 0 : 4;
    });
    CHECK(status == 0);
    CHECK(home.names("new").size() == 1);
    CHECK(home.names("tmp").empty());
}

TEST_CASE("F32 no symbolic link below the home is followed") {
    const Home home;
    const Scratch elsewhere;
    REQUIRE(symlink(elsewhere.path().c_str(), home.at("Maildir").c_str()) == 0);
    const auto maildir = home.open();
    REQUIRE_FALSE(maildir);
    CHECK_THAT(maildir.error().text(), Contains(home.at("Maildir")));
    CHECK(files::is_empty(elsewhere.path()));
    files::create_directory(home.at("mail"));
    REQUIRE(symlink(elsewhere.path().c_str(), home.at("mail/inbox").c_str()) == 0);
    CHECK_FALSE(home.open("mail/inbox"));
    CHECK_FALSE(home.open("mail/../../x"));
    CHECK(files::is_empty(elsewhere.path()));
}

TEST_CASE("a Maildir of several folders is made from the first missing one on") {
    const Home home;
    files::create_directory(home.at("mail"));
    REQUIRE(home.open("mail//in/box/"));
    CHECK(files::is_directory(home.at("mail/in/box/new")));
}

TEST_CASE("a home that is missing or closed delays, and is named") {
    const auto missing = Maildir::open({"/nonexistent/home", "Maildir", "h"});
    REQUIRE_FALSE(missing);
    CHECK_THAT(missing.error().text(), Contains("/nonexistent/home"));
    const Home home;
    REQUIRE(chmod(home.path().c_str(), 0755) == 0);
    const int status = run_as(alice, alice, [&] { return home.open() ? 1 : 0; });
    CHECK(status == 0);  // root's: alice can't make a Maildir there
}

TEST_CASE("a Maildir below a home that can only be passed through works") {
    const Home home;
    REQUIRE(home.open());
    for (const char* part : {"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"}) {
        REQUIRE(chown(home.at(part).c_str(), alice, alice) == 0);
    }
    REQUIRE(chmod(home.path().c_str(), 0711) == 0);
    const int status = run_as(alice, alice, [&] { return home.open() ? 0 : 1; });
    CHECK(status == 0);
}

TEST_CASE("a host name with bytes that mean something in a file name is made harmless") {
    const std::string name = maildir_name(order_of(1), "a/b:2,S c\n");
    CHECK_THAT(name, Catch::EndsWith("R0.a_b_2_S_c?"));
    CHECK(maildir_name(order_of(1), std::string(1000, 'h')).size() < 200);
}

TEST_CASE("a large message goes through its file in tmp, and goes away with discard") {
    const Home home;
    const auto maildir = home.open();
    REQUIRE(maildir);
    Parcel parcel = parcel_for(*maildir, order_of(1));
    auto file = maildir->spill_file(order_of(1));
    REQUIRE(file);
    CHECK(home.names("tmp").size() == 1);
    SECTION("stored") {
        REQUIRE(parcel.content.spill(std::move(*file)));
        std::vector<Parcel> batch;
        batch.push_back(std::move(parcel));
        CHECK(maildir->store(batch).front().verdict == Verdict::delivered);
        CHECK(home.names("new").size() == 1);
        CHECK(read_file(home.at("Maildir/new/" + home.names("new")[0])).ends_with(text));
    }
    SECTION("stored before: the new copy goes") {
        REQUIRE(store(*maildir, {order_of(1)}).size() == 1);
        auto copy = maildir->spill_file(order_of(1));
        REQUIRE(copy);
        Parcel repeated = parcel_for(*maildir, again(1));
        REQUIRE(repeated.content.spill(std::move(*copy)));
        std::vector<Parcel> batch;
        batch.push_back(std::move(repeated));
        CHECK(maildir->store(batch).front().verdict == Verdict::delivered);
    }
    SECTION("discarded") {
        maildir->discard(order_of(1));
    }
    CHECK(home.names("tmp").empty());
}
