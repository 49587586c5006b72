#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

void leave(const House& house, const MessageId& id, const std::string& bytes, uid_t uid = 0) {
    const std::string path = house.spool + "/drop/" + id.text();
    const UniqueFd file(
        open((path + ".tmp").c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640));
    REQUIRE(file);
    REQUIRE(write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    REQUIRE(fchown(file.get(), uid, static_cast<gid_t>(-1)) == 0);
    REQUIRE(rename((path + ".tmp").c_str(), path.c_str()) == 0);
}

// As control does once it has read the packets.
void begin_submit(House& house, std::uint64_t drop, const MessageId& id, const std::string& to) {
    Envelope envelope = house.local_envelope();
    envelope.id = id;
    envelope.uid = house.control.drops.at(drop).uid;
    house.control.channel->send(links::Begin{drop + 500, envelope, drop});
    house.control.channel->send(links::Recipients{drop + 500, {{to, {}, 12}}, {}});
    house.control.channel->send(links::Chunk{drop + 500, "x\n\ny\n"});
}

void submit(House& house, std::uint64_t drop, const MessageId& id, const std::string& to) {
    begin_submit(house, drop, id, to);
    house.control.channel->send(links::End{drop + 500, 5});
}

bool offered(const House& house, std::uint64_t drop) {
    return house.control.drops.contains(drop);
}

}  // namespace

TEST_CASE("a file of drop/ becomes a submission of its owner, and goes once that is in the queue") {
    House house;
    house.start();
    house.settle();
    const MessageId id = house.new_id();
    leave(house, id, "the packets", 1000);
    house.until([&] { return offered(house, 1); });
    CHECK(house.control.drops.at(1).bytes == "the packets");
    CHECK(house.control.drops.at(1).uid == 1000);
    begin_submit(house, 1, id, "bob@box.example.net");
    house.settle();
    CHECK(house.files("drop").size() == 1);
    house.control.channel->send(links::End{501, 5});
    house.until([&] { return house.files("drop").empty(); });
    house.until([&] { return house.mailbox("bob").size() == 1 && house.queued() == 0; });
}

TEST_CASE("what was left while no daemon ran is picked up at the start, a repeat only once") {
    House house;
    house.start();
    const MessageId id = house.new_id();
    Envelope envelope = house.local_envelope();
    const auto number = house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.contains(number) && house.queued() == 0; });
    house.kill_room();
    leave(house, id, "the same again", 1000);
    house.start();
    house.until([&] { return offered(house, 1); });
    submit(house, 1, id, "bob@box.example.net");
    house.until([&] { return house.files("drop").empty(); });
    house.settle();
    CHECK(house.queued() == 0);
    CHECK(house.mailbox("bob").size() == 1);
}

TEST_CASE("F31 what is no honest file goes to quarantine, and a bad one too when control says so") {
    House house;
    house.start();
    house.settle();
    const std::string drop = house.spool + "/drop/";
    REQUIRE(symlink("/etc/passwd", (drop + house.new_id().text()).c_str()) == 0);
    REQUIRE(mkfifo((drop + house.new_id().text()).c_str(), 0600) == 0);
    const MessageId linked = house.new_id();
    leave(house, linked, "two names");
    REQUIRE(link((drop + linked.text()).c_str(), (house.spool + "/second").c_str()) == 0);
    house.until([&] { return house.files("quarantine").size() >= 2; });

    leave(house, house.new_id(), "nonsense");
    std::uint64_t number = 0;
    house.until([&] {
        for (const auto& [drop_number, seen] : house.control.drops) {
            if (seen.bytes == "nonsense") number = drop_number;
        }
        return number != 0;
    });
    house.control.channel->send(links::DropBad{number, "no packets"});
    house.until([&] { return house.files("quarantine").size() >= 3; });
    house.settle();
    CHECK(house.queued() == 0);
}

TEST_CASE("a flood of what is no submission is told in few lines") {
    House house;
    house.start();
    house.settle();
    const Logged logged;
    for (int i = 0; i < 300; ++i) {
        const std::string name = house.spool + "/drop/junk" + std::to_string(i);
        REQUIRE(UniqueFd(open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    }
    house.until([&] { return house.files("quarantine").size() == 300; });
    CHECK(logged.lines("drop-unfit file=") > 0);
    CHECK(logged.lines("drop-unfit file=") < 100);
}

TEST_CASE("what cannot be moved out of drop/ is told once, though every look meets it") {
    House house;
    house.start();
    const auto make = [&](const std::string& name) {
        REQUIRE(UniqueFd(open((house.spool + name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    };
    make("/quarantine/drop-stuck");
    for (int i = 1; i < 1000; ++i) make("/quarantine/drop-stuck." + std::to_string(i));
    const Logged logged;
    make("/drop/stuck");
    house.until([&] { return logged.lines("drop-stuck files=1 reason=") == 1; });
    for (const std::string more : {"one", "two"}) {
        make("/drop/" + more);
        house.until([&] { return !std::filesystem::exists(house.spool + "/drop/" + more); });
        house.settle();
    }
    CHECK(logged.lines("drop-stuck") == 1);
    CHECK(house.files("drop") == std::vector<std::string>{"stuck"});
}

TEST_CASE("folders in drop/ are no submissions: seen/ is trimmed all the same") {
    House house;
    std::vector<std::string> old;
    REQUIRE(mkdir((house.spool + "/seen").c_str(), 0700) == 0);
    for (int day = 1; day <= 28; ++day) {
        old.push_back((day < 10 ? "2020-02-0" : "2020-02-") + std::to_string(day));
        const std::string path = house.spool + "/seen/" + old.back();
        REQUIRE(UniqueFd(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    }
    REQUIRE(mkdir((house.spool + "/drop").c_str(), 03733) == 0);
    REQUIRE(chmod((house.spool + "/drop").c_str(), 03733) == 0);
    REQUIRE(mkdir((house.spool + "/drop/" + house.new_id().text()).c_str(), 0700) == 0);
    house.start();
    house.until([&] { return house.files("seen").size() < old.size(); });
}

TEST_CASE("what lay in drop/ counts from its id's time, within bounds") {
    House house;
    house.start();
    const auto admitted = [&](std::chrono::milliseconds ago) {
        const MessageId id = MessageId::generate(house.clock.wall() - ago);
        const auto before = house.delivered.size();
        leave(house, id, "x", 1000);
        const std::uint64_t number = before + 1;
        house.until([&] { return offered(house, number); });
        submit(house, number, id, "bob@box.example.net");
        house.until([&] { return house.delivered.size() > before && house.files("drop").empty(); });
        const std::chrono::milliseconds at(house.delivered.back().deliver.admitted);
        return std::chrono::duration_cast<std::chrono::minutes>(
                   house.clock.wall().time_since_epoch() - at)
            .count();
    };
    CHECK(admitted(std::chrono::hours(3)) == 180);
    CHECK(admitted(-std::chrono::hours(3)) == 0);
    CHECK(admitted(std::chrono::hours(24) * 400) == 7 * 24 * 60);
}

TEST_CASE("while control is away files wait, and one that was half offered is offered again") {
    House house;
    house.start();
    house.settle();
    const MessageId id = house.new_id();
    leave(house, id, "the packets");
    house.until([&] { return offered(house, 1); });
    house.control.channel.reset();
    house.control.drops.clear();
    house.meet_control();
    house.until([&] { return offered(house, 2); });
    submit(house, 2, id, "bob@box.example.net");
    house.until([&] { return house.files("drop").empty() && house.mailbox("bob").size() == 1; });
}

TEST_CASE("control cannot give a file of drop/ to another user") {
    House house;
    house.start();
    leave(house, house.new_id(), "x", 1000);
    house.until([&] { return offered(house, 1); });
    Envelope envelope = house.local_envelope();
    envelope.uid = 2000;
    house.control.channel->send(links::Begin{1, envelope, 1});
    house.until([&] { return house.malformed.size() == 1; });
    CHECK(house.malformed.front() == links::Room::control);
    CHECK(house.queued() == 0);
}

TEST_CASE("an acknowledged submission to a recipient elsewhere is accepted and bounced") {
    House house;
    house.start();
    const MessageId id = house.new_id();
    leave(house, id, "x", 1000);
    house.until([&] { return offered(house, 1); });
    submit(house, 1, id, "someone@example.org");
    house.until([&] { return house.mailbox("alice").size() == 1 && house.queued() == 0; });
    CHECK(house.mailbox("alice").front().body.find("Status: 5.7.1") != std::string::npos);
    CHECK(house.files("drop").empty());
}

TEST_CASE("seen/ is not trimmed before drop/ was found empty") {
    House house;
    std::vector<std::string> old;
    REQUIRE(mkdir((house.spool + "/seen").c_str(), 0700) == 0);
    for (int day = 1; day <= 28; ++day) {
        old.push_back((day < 10 ? "2020-02-0" : "2020-02-") + std::to_string(day));
        const std::string path = house.spool + "/seen/" + old.back();
        REQUIRE(UniqueFd(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    }
    SECTION("a file that control does not take stays, and so does seen/") {
        REQUIRE(mkdir((house.spool + "/drop").c_str(), 03733) == 0);
        REQUIRE(chmod((house.spool + "/drop").c_str(), 03733) == 0);
        leave(house, house.new_id(), "x", 1000);
        house.start();
        house.until([&] { return offered(house, 1); });
        house.control.channel->send(links::Begin{1, house.local_envelope(), 1});
        house.control.channel->send(links::Abort{1});
        house.settle();
        CHECK(house.files("drop").size() == 1);
        CHECK(house.files("seen") == old);
    }
    SECTION("without any file the old ones go") {
        house.start();
        house.until([&] { return house.files("seen").size() < old.size(); });
    }
}
