#include "smtpd/parent/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>

#include "smtpd/base/read.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/sealed_copy.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

std::string text_of(const UniqueFd& fd) {
    const auto text = read_at(fd.get(), 0, 100);
    REQUIRE(text);
    return *text;
}

constexpr std::int64_t year_2100 = 4'102'444'800'000;

const std::string stays = "; the certificates of before stay in use";

// Stand-ins for signer and smtpin: a chain fits its key where both files hold the same text. What
// they are told is written down with the texts of the files, as "load keys 1: one two". "over" and
// "early" are out of their time.
struct House {
    explicit House(Duration limit = Certificates::default_retired_limit) : retired_limit(limit) {
        char name[] = "/tmp/holdfast-certificates-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        folder = name;
    }
    ~House() { std::filesystem::remove_all(folder); }

    std::string path(const std::string& name) const { return folder + "/" + name; }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
    }
    void pair(const std::string& host, const std::string& text) {
        write(host + ".pem", text);
        write(host + ".key", text);
        plans.push_back({host, "smtpd.conf:" + std::to_string(plans.size() + 1),
                         path(host + ".pem"), path(host + ".key")});
    }

    bool tell_signer(links::ParentToSigner message) {
        if (!signer_up) return false;
        if (auto* load = std::get_if<links::LoadKeys>(&message)) {
            told.push_back("load keys " + std::to_string(load->set) + ":");
            links::KeysLoaded answer{load->set, {}};
            for (const links::KeyFile& file : load->keys) {
                const std::string text = text_of(file.file);
                told.back() += " " + text;
                if (text == "bad") {
                    answer.keys.push_back({file.number, {}, file.name + ": holds no key"});
                } else {
                    const std::size_t length = text == "huge" ? 80'000 : 0;
                    answer.keys.push_back(
                        {file.number, "public " + text + std::string(length, 'x'), {}});
                }
            }
            if (signer_answers) certificates->on(std::move(answer));
        } else if (const auto* forget = std::get_if<links::ForgetKeys>(&message)) {
            told.push_back("forget keys " + std::to_string(forget->set));
        }
        return true;
    }

    bool tell_smtpin(links::ParentToSmtpin message) {
        if (!smtpin_up) return false;
        if (auto* load = std::get_if<links::LoadCertificates>(&message)) {
            told.push_back("load " + std::to_string(load->set) + ":");
            for (const links::CertificateFile& file : load->certificates) {
                told.back() += " " + text_of(file.chain);
                judge(file);
            }
            if (load->more) told.back() += " and more";
            if (load->more || !smtpin_answers) return true;
            certificates->on(links::CertificatesLoaded{load->set, std::exchange(judged, {})});
        } else if (const auto* use = std::get_if<links::UseCertificates>(&message)) {
            told.push_back("use " + std::to_string(use->set));
            if (smtpin_answers) certificates->on(links::CertificatesInUse{use->set});
        }
        return true;
    }

    void judge(const links::CertificateFile& file) {
        const std::string text = text_of(file.chain);
        links::LoadedCertificate facts;
        facts.host = file.host;
        facts.name = file.name;
        facts.fingerprint = "print of " + text;
        facts.not_before = text == "early" ? year_2100 : 0;
        facts.not_after = text == "over" ? 1 : year_2100 + 1;
        if (text == "early") facts.warning = "is not valid yet";
        if (text == "over") facts.warning = "has expired";
        if (file.public_key != "public " + text) {
            facts.error = file.name + ": does not belong to the key\nand more";
        }
        judged.push_back(std::move(facts));
    }

    void load() {
        report.reset();
        certificates->plan(plans);
        certificates->load([this](const Report& said) { report = said; });
    }
    // Reads again for as long as it takes.
    const Report& load_and_wait() {
        load();
        while (!report) loop.turn();
        return *report;
    }
    std::vector<std::string> take_told() { return std::exchange(told, {}); }

    std::string folder;
    std::vector<links::CertificatePlan> plans;
    bool signer_up = true;
    bool smtpin_up = true;
    bool signer_answers = true;
    bool smtpin_answers = true;
    std::vector<std::string> told;
    std::vector<links::LoadedCertificate> judged;
    std::optional<Report> report;
    Duration retired_limit;
    Loop loop;
    std::optional<Certificates> certificates{
        std::in_place, loop,
        Certificates::Rooms{[this](auto message) { return tell_signer(std::move(message)); },
                            [this](auto message) { return tell_smtpin(std::move(message)); },
                            [this] { told.emplace_back("end signer"); }},
        retired_limit};
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("keys go to signer, chains to smtpin, and what is good is used at once") {
    House house;
    house.pair("a.example", "one");
    house.pair("b.example", "two");
    house.load();
    REQUIRE(house.report);
    CHECK(house.report->good());
    CHECK(house.take_told() == Told{"load keys 1: one two", "load 1: one two", "use 1"});
    REQUIRE(house.report->certificates.size() == 2);
    CHECK(house.report->certificates[1].host == "b.example");
    CHECK(house.report->certificates[1].file == house.path("b.example.pem"));
    CHECK(house.report->certificates[1].fingerprint == "print of two");
    CHECK(house.report->certificates[1].fingerprint_before.empty());
}

TEST_CASE(
    "F09 a new certificate takes the place of the old, which goes when no handshake needs it") {
    House house;
    house.pair("a.example", "one");
    house.load();
    house.write("a.example.pem", "new");
    house.write("a.example.key", "new");
    house.take_told();
    house.load();
    CHECK(house.take_told() == Told{"load keys 2: new", "load 2: new", "use 2"});
    CHECK(house.report->certificates[0].fingerprint == "print of new");
    CHECK(house.report->certificates[0].fingerprint_before == "print of one");
    house.certificates->on(links::CertificatesFree{1});
    CHECK(house.take_told() == Told{"forget keys 1"});
    house.certificates->on(links::CertificatesFree{1});
    house.certificates->on(links::CertificatesFree{2});  // it is in use: smtpin lies
    CHECK(house.told.empty());
}

TEST_CASE("a certificate that is out of its time serves, but never in place of a valid one") {
    House house;
    const auto renewed = [&house](const std::string& text) {
        house.write("a.example.pem", text);
        house.write("a.example.key", text);
        return house.load_and_wait();
    };
    house.pair("a.example", "over");
    house.pair("b.example", "over");
    CHECK(house.load_and_wait().good());
    CHECK(renewed("early").good());
    CHECK(renewed("new").good());  // whatever b.example has
    const std::string place = "smtpd.conf:1: " + house.path("a.example.pem");
    CHECK(renewed("over").reason == place + " has expired" + stays);
    CHECK(renewed("early").reason == place + " is not valid yet" + stays);
    CHECK(house.certificates->status()[0].fingerprint == "print of new");
}

TEST_CASE("more certificates than fit into a message are one set all the same") {
    House house;
    for (int i = 0; i < 19; ++i) house.pair("host" + std::to_string(i), std::to_string(i));
    house.load();
    REQUIRE(house.report);
    CHECK(house.take_told() ==
          Told{"load keys 1: 0 1 2 3 4 5 6 7", "load keys 1: 8 9 10 11 12 13 14 15",
               "load keys 1: 16 17 18", "load 1: 0 1 2 3 4 5 6 7 and more",
               "load 1: 8 9 10 11 12 13 14 15 and more", "load 1: 16 17 18", "use 1"});
    CHECK(house.report->certificates.at(18).fingerprint == "print of 18");
}

TEST_CASE("F11 a half-replaced pair is read again until it is whole") {
    House house;
    house.pair("a.example", "one");
    house.load();
    house.take_told();
    house.write("a.example.key", "new");
    house.load();
    CHECK_FALSE(house.report);
    CHECK(house.take_told() == Told{"load keys 2: new", "load 2: one", "forget keys 2"});
    house.write("a.example.pem", "new");
    while (!house.report) house.loop.turn();
    CHECK(house.report->good());
    CHECK(house.take_told() == Told{"load keys 3: new", "load 3: new", "use 3"});
    CHECK(house.report->certificates[0].fingerprint_before == "print of one");
}

TEST_CASE("F11 what stays unfit is refused in one line, and the set of before is in use") {
    House house;
    house.pair("z.example", "first");
    house.pair("a.example", "one");
    house.load();
    const std::string chain = house.path("a.example.pem");
    const std::string key = house.path("a.example.key");
    std::string expected;
    SECTION("the key is another one") {
        house.write("a.example.key", "other");
        expected = "smtpd.conf:2: " + chain + ": does not belong to the key";
    }
    SECTION("the key is none") {
        house.write("a.example.key", "bad");
        expected = "smtpd.conf:2: " + key + ": holds no key";
    }
    SECTION("a file is missing") {
        std::filesystem::remove(key);
        expected = "smtpd.conf:2: open " + key + ": No such file or directory";
    }
    SECTION("it is no file") {
        std::filesystem::remove(key);
        REQUIRE(mkfifo(key.c_str(), 0600) == 0);
        expected = "smtpd.conf:2: " + key + " is no regular file";
    }
    SECTION("others may write it") {
        REQUIRE(chmod(key.c_str(), 0620) == 0);
        expected = "smtpd.conf:2: " + key +
                   " may be written by others (mode 0620); mend it: chmod go-w " + key;
    }
    SECTION("it is too large") {
        std::filesystem::resize_file(chain, Certificates::max_file + 1);
        expected = "smtpd.conf:2: " + chain + " is too large";
    }
    const Report& report = house.load_and_wait();
    CHECK(report.status == EX_CONFIG);
    CHECK(report.reason == expected + stays);
    CHECK(house.certificates->status()[1].fingerprint == "print of one");
    const auto count = [&house](std::string_view what) {
        return std::ranges::count_if(house.told,
                                     [what](const auto& said) { return said.starts_with(what); });
    };
    CHECK(count("use ") == 1);
    CHECK(count("forget keys ") == count("load keys ") - 1);  // what was tried is not kept
    // And the next good one is used.
    std::filesystem::remove(key);
    house.write("a.example.pem", "one");
    house.write("a.example.key", "one");
    house.load();
    REQUIRE(house.report);
    CHECK(house.report->good());
    CHECK(count("use ") == 2);
}

TEST_CASE("rooms that come back get what was checked, not what the files are now") {
    House house;
    house.pair("a.example", "one");
    house.load();
    house.take_told();
    house.write("a.example.pem", "changed in place");
    house.write("a.example.key", "bad");
    SECTION("signer: under the same number") {
        house.certificates->went_down(links::Room::signer);
        house.certificates->came_up(links::Room::signer);
        CHECK(house.take_told() == Told{"load keys 1: one"});
    }
    SECTION("smtpin: before it is told to go") {
        house.certificates->went_down(links::Room::smtpin);
        house.certificates->came_up(links::Room::smtpin);
        CHECK(house.take_told() == Told{"load 1: one", "use 1"});
    }
    SECTION("another program in this process") {
        links::CertificatesState state = house.certificates->leave();
        House heir;
        heir.certificates->adopt(std::move(state));
        CHECK(heir.certificates->status()[0].fingerprint == "print of one");
        heir.certificates->came_up(links::Room::signer);
        heir.certificates->came_up(links::Room::smtpin);
        CHECK(heir.take_told() == Told{"load keys 1: one", "load 1: one", "use 1"});
        CHECK(heir.certificates->any());
    }
}

TEST_CASE("a room that dies while a set is loaded delays it") {
    House house;
    house.pair("a.example", "one");
    house.load();
    house.take_told();
    SECTION("signer") {
        house.signer_answers = false;
        house.load();
        house.signer_answers = true;
        house.certificates->went_down(links::Room::signer);
        house.certificates->came_up(links::Room::signer);
        CHECK(house.take_told() == Told{"load keys 2: one", "forget keys 2", "load keys 1: one"});
        while (!house.report) house.loop.turn();
        CHECK(house.take_told() == Told{"load keys 3: one", "load 3: one", "use 3"});
    }
    SECTION("smtpin, before it is told to use it") {
        house.smtpin_answers = false;
        house.load();
        house.smtpin_answers = true;
        house.judged.clear();
        house.certificates->went_down(links::Room::smtpin);
        house.certificates->came_up(links::Room::smtpin);
        CHECK(house.take_told() ==
              Told{"load keys 2: one", "load 2: one", "forget keys 2", "load 1: one", "use 1"});
        while (!house.report) house.loop.turn();
        CHECK(house.take_told() == Told{"load keys 3: one", "load 3: one", "use 3"});
    }
    SECTION("smtpin, when it has been told") {
        house.smtpin_answers = false;
        house.load();
        house.certificates->on(links::CertificatesLoaded{2, std::exchange(house.judged, {})});
        CHECK_FALSE(house.report);
        house.smtpin_answers = true;
        house.certificates->went_down(links::Room::smtpin);
        CHECK(house.take_told() ==
              Told{"load keys 2: one", "load 2: one", "use 2", "forget keys 1"});
        house.certificates->came_up(links::Room::smtpin);
        CHECK(house.take_told() == Told{"load 2: one", "use 2"});
        REQUIRE(house.report);
    }
    SECTION("one that does not come back keeps the set of before") {
        house.signer_up = false;
        CHECK(house.load_and_wait().status == EX_TEMPFAIL);
        CHECK(house.certificates->status()[0].fingerprint == "print of one");
    }
    CHECK(house.report->good() == house.signer_up);
}

TEST_CASE("answers that nobody has asked for change nothing") {
    House house;
    house.pair("a.example", "one");
    house.signer_answers = false;
    house.load();
    house.certificates->on(links::KeysLoaded{7, {{0, "public one", {}}}});
    house.certificates->on(links::CertificatesLoaded{1, {{}}});
    house.certificates->on(links::CertificatesInUse{1});
    CHECK(house.take_told() == Told{"load keys 1: one"});
    house.certificates->on(links::KeysLoaded{1, {{9, "public one", {}}}});  // an unknown number
    CHECK_FALSE(house.report);
    CHECK(house.take_told() == Told{"load 1: one", "forget keys 1"});
}

TEST_CASE("what smtpin says of certificates is bounded before it is passed on") {
    House house;
    house.pair("a.example", "one");
    house.smtpin_answers = false;
    house.load();
    links::LoadedCertificate facts;
    facts.names.assign(5000, std::string(1000, 'x'));
    facts.fingerprint = facts.warning = std::string(5000, 'x');
    facts.not_after = INT64_MAX;
    house.smtpin_answers = true;
    house.certificates->on(links::CertificatesLoaded{1, {facts}});
    REQUIRE(house.report);
    const links::CertificateStatus& row = house.report->certificates.at(0);
    CHECK(row.names.size() == 20);
    CHECK(row.names[0].size() == 300);
    CHECK(row.fingerprint.size() == 64);
    CHECK(row.warning.size() == 300);
    CHECK(row.not_after == links::plausible_time(INT64_MAX));
}

TEST_CASE("what signer says of keys is bounded before it is passed on") {
    House house;
    house.pair("a.example", "huge");
    CHECK(house.load_and_wait().reason.find("a.example.key: is too large a key") !=
          std::string::npos);
}

TEST_CASE("a signer that does not answer is ended, and what was in use stays so") {
    House house;
    house.pair("a.example", "one");
    house.load();
    house.signer_answers = false;
    CHECK(house.load_and_wait().reason ==
          "the room signer does not answer and is ended: try again; the certificates of before "
          "stay in use");
    CHECK(std::ranges::count(house.told, "end signer") == 1);
    CHECK(house.certificates->status().at(0).fingerprint == "print of one");
}

TEST_CASE("handshakes that never end do not keep sets for ever") {
    House house;
    house.pair("a.example", "one");
    for (std::size_t i = 0; i < Certificates::max_retired + 5; ++i) house.load();
    const auto forgotten = std::ranges::count_if(
        house.told, [](const auto& said) { return said.starts_with("forget"); });
    CHECK(forgotten == 3);
    CHECK(std::ranges::find(house.told, "forget keys 1") != house.told.end());
}

TEST_CASE("a smtpin that never lets a set go has its keys forgotten all the same") {
    House house(std::chrono::milliseconds(20));
    house.pair("a.example", "one");
    house.load();
    house.load();
    CHECK(std::ranges::find(house.told, "forget keys 1") == house.told.end());
    while (house.told.back() != "forget keys 1") house.loop.turn();
    CHECK(std::ranges::find(house.told, "forget keys 2") == house.told.end());
}

TEST_CASE("without cert statements there is nothing to do, and that is done") {
    House house;
    house.load();
    REQUIRE(house.report);
    CHECK(house.report->good());
    CHECK(house.report->certificates.empty());
    CHECK(house.told.empty());
}

TEST_CASE("a copy stays what it is, and nobody can write it") {
    House house;
    house.write("file", "contents");
    std::filesystem::create_symlink("file", house.path("link"));
    const auto copy = sealed_copy("key", house.path("link"), 100);
    REQUIRE(copy);
    house.write("file", "other");
    CHECK(text_of(*copy) == "contents");
    CHECK(pwrite(copy->get(), "x", 1, 0) < 0);
    CHECK(ftruncate(copy->get(), 0) < 0);
    CHECK((fcntl(copy->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(sealed_copy("key", house.path("file"), 5));
    CHECK_FALSE(sealed_copy("key", house.path("file"), 4));
    CHECK_FALSE(sealed_copy("key", house.folder, 100));
}
