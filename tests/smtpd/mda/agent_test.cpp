// The whole agent: the real program, started by root, with its real confinement.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <random>
#include <set>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/agent_process.h"
#include "tests/smtpd/mda/folder_events.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

using Catch::Contains;
namespace files = std::filesystem;

constexpr uid_t hfroot = 4720;
const std::string text = "Subject: hello\n\nFrom here\n";

struct House : Scratch {
    House() {
        use_user_database(*this,
                          "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"
                          "alice:x:4711:4711:Alice,,,:" +
                              at("home") +
                              ":/bin/sh\n"
                              "_hfqueue:x:4731:4711::/:/bin/false\n"
                              "homeless:x:4730:4711::/nonexistent/homeless:/bin/sh\n"
                              "nobody:x:65534:65534::/nonexistent:/bin/sh\n",
                          "alice:x:4711:\nmail:x:4713:\nstaff:x:4714:alice\nnogroup:x:65534:\n");
        files::create_directory(at("home"));
        files::create_directory(at("mail"));
        REQUIRE(chown(at("home").c_str(), alice, alice) == 0);
        REQUIRE(chown(at("mail").c_str(), 0, mail_group) == 0);
        REQUIRE(chmod(at("mail").c_str(), 02775) == 0);
    }

    links::MdaSnapshot snapshot(links::Mailbox kind = links::Mailbox::mbox) const {
        links::MdaSnapshot result;
        result.hostname = "host.example.net";
        result.mailbox = kind;
        result.maildir = "Maildir";
        result.mail_folder = at("mail");
        result.mail_gid = mail_group;
        result.root_uid = hfroot;
        result.root_gid = hfroot;
        return result;
    }
    std::string mailbox() const { return at("mail/alice"); }
    // Where an agent works. The Maildir is there once an agent has made it.
    std::vector<std::string> workplaces() const {
        std::vector<std::string> result{at("mail"), at("home")};
        for (const char* folder : {"home/Maildir", "home/Maildir/tmp", "home/Maildir/new"}) {
            if (files::exists(at(folder))) result.push_back(at(folder));
        }
        return result;
    }
    std::vector<std::string> maildir_messages() const {
        std::vector<std::string> result;
        for (const auto& entry : files::directory_iterator(at("home/Maildir/new"))) {
            result.push_back(read_file(entry.path()));
        }
        return result;
    }
};

links::Deliver again(unsigned number) {
    links::Deliver order = order_of(number);
    order.repeated = true;
    return order;
}

std::string message_of(unsigned number) {
    return "Subject: " + std::to_string(number) + "\n\n" + std::string(number % 40 * 1000, 'x') +
           "\n";
}

}  // namespace

TEST_CASE("an agent delivers a burst into the user's mailbox, as the user with group mail") {
    const House house;
    AgentProcess agent("alice", house.snapshot());
    REQUIRE(agent.wait_ready());
    CHECK(agent.status_line("Uid") == "4711\t4711\t4711\t4711");
    CHECK(agent.status_line("Gid") == "4711\t4713\t4713\t4713");
    CHECK_THAT(agent.status_line("Groups"), Contains("4711") && Contains("4714"));
    CHECK(agent.status_line("CapPrm") == "0000000000000000");
    CHECK(agent.status_line("NoNewPrivs") == "1");
    CHECK(agent.status_line("Seccomp") == "2");
    struct stat facts{};
    REQUIRE(stat(("/proc/" + std::to_string(agent.pid()) + "/maps").c_str(), &facts) == 0);
    CHECK(facts.st_uid == 0);  // not dumpable: not even alice may look into it
    for (unsigned i = 1; i <= 100; ++i) REQUIRE(agent.send(order_of(i), text));
    const auto outcomes = agent.outcomes(100);
    REQUIRE(outcomes.size() == 100);
    for (const auto& [job, outcome] : outcomes) {
        CHECK(outcome.verdict == Verdict::delivered);
        CHECK(outcome.place == "mbox");
    }
    CHECK(agent.close_and_wait() == 0);
    CHECK(messages_of(read_file(house.mailbox())).size() == 100);
}

TEST_CASE("an agent delivers into a Maildir, without group mail") {
    const House house;
    AgentProcess agent("alice", house.snapshot(links::Mailbox::maildir));
    REQUIRE(agent.wait_ready());
    CHECK(agent.status_line("Gid") == "4711\t4711\t4711\t4711");
    for (unsigned i = 1; i <= 100; ++i) REQUIRE(agent.send(order_of(i), text));
    const auto outcomes = agent.outcomes(100);
    REQUIRE(outcomes.size() == 100);
    CHECK(outcomes.at(100).place == "maildir");
    CHECK(agent.close_and_wait() == 0);
    CHECK(house.maildir_messages().size() == 100);
    struct stat facts{};
    REQUIRE(stat(house.at("home/Maildir/new").c_str(), &facts) == 0);
    CHECK(facts.st_uid == alice);
    CHECK((facts.st_mode & 07777) == 0700);
}

TEST_CASE("F21 large messages pass through a window and leave the agent small") {
    const House house;
    const std::string large = "Subject: large\n\n" + std::string(20'000'000, 'x') + "\n";
    for (const auto kind : {links::Mailbox::mbox, links::Mailbox::maildir}) {
        AgentProcess agent("alice", house.snapshot(kind));
        REQUIRE(agent.wait_ready());
        REQUIRE(agent.send(order_of(1), large));
        REQUIRE(agent.send(order_of(2), text));
        const auto outcomes = agent.outcomes(2);
        REQUIRE(outcomes.size() == 2);
        CHECK(outcomes.at(1).verdict == Verdict::delivered);
        CHECK(outcomes.at(2).verdict == Verdict::delivered);
        CHECK(agent.credit() == large.size() + text.size());
#ifndef HOLDFAST_SANITIZED
        CHECK(std::stoul(agent.status_line("VmHWM")) < 16'000);  // kB
#endif
        CHECK(agent.close_and_wait() == 0);
    }
    CHECK(messages_of(read_file(house.mailbox())).size() == 2);
    CHECK(house.maildir_messages().size() == 2);
    CHECK(files::is_empty(house.at("home/Maildir/tmp")));
}

TEST_CASE("an unknown user is refused by an agent that is nobody") {
    const House house;
    AgentProcess agent("bob", house.snapshot());
    REQUIRE(agent.wait_ready());
    CHECK(agent.status_line("Uid") == "65534\t65534\t65534\t65534");
    REQUIRE(agent.send(order_of(1), text));
    REQUIRE(agent.send(order_of(2), ""));
    const auto outcomes = agent.outcomes(2);
    REQUIRE(outcomes.size() == 2);
    for (const auto& [job, outcome] : outcomes) {
        CHECK(outcome.verdict == Verdict::refused);
        CHECK(outcome.enhanced == "5.1.1");
    }
    CHECK(agent.close_and_wait() == 0);
}

TEST_CASE("the users that the rooms run as get no mail") {
    const House house;
    AgentProcess agent("_hfqueue", house.snapshot());
    REQUIRE(agent.send(order_of(1), text));
    const Outcome outcome = agent.outcomes(1)[1];
    CHECK(outcome.verdict == Verdict::refused);
    CHECK(outcome.enhanced == "5.1.1");
    CHECK_FALSE(files::exists(house.at("mail/_hfqueue")));
}

TEST_CASE("an agent whose Maildir has gone ends by itself, and the next one makes it anew") {
    const House house;
    const auto snapshot = house.snapshot(links::Mailbox::maildir);
    AgentProcess agent("alice", snapshot);
    REQUIRE(agent.send(order_of(1), text));
    CHECK(agent.outcomes(1)[1].verdict == Verdict::delivered);
    files::rename(house.at("home/Maildir"), house.at("home/Old"));
    files::remove_all(house.at("home/Old"));
    REQUIRE(agent.send(order_of(2), text));
    CHECK(agent.outcomes(2)[2].verdict == Verdict::retry);
    agent.outcomes(3);  // until it has ended
    CHECK_FALSE(agent.send(order_of(3), text));
    AgentProcess next("alice", snapshot);
    REQUIRE(next.send(again(2), text));
    CHECK(next.outcomes(1)[2].verdict == Verdict::delivered);
}

TEST_CASE("root's mail goes to the mailbox of its own identity, another uid 0 gets none") {
    const House house;
    {
        AgentProcess agent("root", house.snapshot(links::Mailbox::maildir));
        REQUIRE(agent.wait_ready());
        CHECK(agent.status_line("Uid") == "4720\t4720\t4720\t4720");
        REQUIRE(agent.send(order_of(1), text));
        CHECK(agent.outcomes(1)[1].verdict == Verdict::delivered);
        struct stat facts{};
        REQUIRE(stat(house.at("mail/root").c_str(), &facts) == 0);
        CHECK(facts.st_uid == hfroot);
        CHECK(facts.st_gid == mail_group);
    }
    REQUIRE(chown(house.at("mail/root").c_str(), 0, 0) == 0);
    {
        AgentProcess agent("root", house.snapshot());
        REQUIRE(agent.send(order_of(2), text));
        const Outcome outcome = agent.outcomes(1)[2];
        CHECK(outcome.verdict == Verdict::retry);
        CHECK_THAT(outcome.text,
                   Contains(house.at("mail/root")) && Contains("uid 0") && Contains("chown"));
    }
    AgentProcess agent("toor", house.snapshot());
    REQUIRE(agent.wait_ready());
    CHECK(agent.status_line("Uid") == "65534\t65534\t65534\t65534");
    REQUIRE(agent.send(order_of(1), text));
    CHECK(agent.outcomes(1)[1].verdict == Verdict::refused);
}

TEST_CASE("a missing home or mail folder delays, and is named") {
    const House house;
    AgentProcess agent("homeless", house.snapshot(links::Mailbox::maildir));
    REQUIRE(agent.send(order_of(1), text));
    const Outcome outcome = agent.outcomes(1)[1];
    CHECK(outcome.verdict == Verdict::retry);
    CHECK_THAT(outcome.text, Contains("/nonexistent/homeless"));
    links::MdaSnapshot elsewhere = house.snapshot();
    elsewhere.mail_folder = "/nonexistent/mail";
    AgentProcess other("alice", elsewhere);
    REQUIRE(other.send(order_of(1), text));
    CHECK_THAT(other.outcomes(1)[1].text, Contains("/nonexistent/mail"));
}

TEST_CASE("an ordinary user's agent delivers to that user only") {
    const House house;
    REQUIRE(chmod(house.at("mail").c_str(), 0777) == 0);
    AgentProcess own("alice", house.snapshot(), AgentProcess::Rights::ordinary);
    REQUIRE(own.send(order_of(1), text));
    CHECK(own.outcomes(1)[1].verdict == Verdict::delivered);
    AgentProcess other("homeless", house.snapshot(), AgentProcess::Rights::ordinary);
    REQUIRE(other.send(order_of(1), text));
    CHECK(other.outcomes(1)[1].enhanced == "5.7.1");
}

TEST_CASE("F49 a message that comes round again is refused, and its neighbours arrive") {
    const House house;
    AgentProcess agent("alice", house.snapshot());
    REQUIRE(agent.send(order_of(1), text));
    REQUIRE(agent.send(order_of(2), "Delivered-To: alice@example.net\n" + text));
    REQUIRE(agent.send(order_of(3), text));
    const auto outcomes = agent.outcomes(3);
    REQUIRE(outcomes.size() == 3);
    CHECK(outcomes.at(1).verdict == Verdict::delivered);
    CHECK(outcomes.at(2).verdict == Verdict::refused);
    CHECK(outcomes.at(2).enhanced == "5.4.6");
    CHECK(outcomes.at(3).verdict == Verdict::delivered);
    CHECK(messages_of(read_file(house.mailbox())).size() == 2);
}

TEST_CASE("when qmgr goes, what has come whole is stored and the rest leaves nothing") {
    const House house;
    for (const auto kind : {links::Mailbox::mbox, links::Mailbox::maildir}) {
        AgentProcess agent("alice", house.snapshot(kind));
        REQUIRE(agent.send(order_of(1), text));
        REQUIRE(agent.send(order_of(2), text));
        links::Deliver cut = order_of(3);
        cut.length = 10'000'000;
        links::Encoder encoder;
        encoder.put_frame(links::QmgrToMda(cut));
        std::string packet;
        append_frame(packet, encoder.bytes);
        REQUIRE(agent.send_packet_bytes(packet));
        for (int i = 0; i < 5; ++i) {  // more than stays in memory
            links::Encoder bytes;
            bytes.put_frame(links::QmgrToMda(links::Bytes{3, std::string(60'000, 'x')}));
            packet.clear();
            append_frame(packet, bytes.bytes);
            REQUIRE(agent.send_packet_bytes(packet));
        }
        CHECK(agent.close_and_wait() == 0);
    }
    CHECK(messages_of(read_file(house.mailbox())).size() == 2);
    CHECK(house.maildir_messages().size() == 2);
    CHECK(files::is_empty(house.at("home/Maildir/tmp")));
}

TEST_CASE("an agent ends when qmgr says what the link does not allow") {
    const House house;
    std::string wrong_job;
    std::string too_much;
    links::Deliver order = order_of(7);
    order.length = 3;
    for (auto [packet, bytes] : {std::pair{&wrong_job, links::Bytes{8, "abc"}},
                                 std::pair{&too_much, links::Bytes{7, "abcd"}}}) {
        links::Encoder first;
        first.put_frame(links::QmgrToMda(order));
        links::Encoder second;
        second.put_frame(links::QmgrToMda(bytes));
        append_frame(*packet, first.bytes);
        append_frame(*packet, second.bytes);
    }
    const std::string garbage(100, '\xff');
    unsigned number = 0;
    for (const std::string& packet : {garbage, std::string("x"), wrong_job, too_much}) {
        AgentProcess agent("alice", house.snapshot());
        REQUIRE(agent.send(order_of(++number), text));
        REQUIRE(agent.send_packet_bytes(packet));
        CHECK(agent.outcomes(1)[number].verdict == Verdict::delivered);
        CHECK(agent.close_and_wait() == EX_PROTOCOL);
    }
    CHECK(messages_of(read_file(house.mailbox())).size() == number);
}

TEST_CASE("agents that are killed at any moment and repeated deliver each message exactly once") {
    std::minstd_rand random(4);
    for (const auto kind : {links::Mailbox::mbox, links::Mailbox::maildir}) {
        const House house;
        std::set<unsigned> open_jobs;
        for (unsigned i = 1; i <= 120; ++i) open_jobs.insert(i);
        for (unsigned round = 0; !open_jobs.empty(); ++round) {
            FolderEvents events(house.workplaces(), IN_ALL_EVENTS);
            AgentProcess agent("alice", house.snapshot(kind));
            if (round < 30) {
                const auto moment = static_cast<unsigned>(random() % 60);
                const pid_t killer = start_as(0, 0, [&] {
                    events.await(moment);
                    return kill(agent.pid(), SIGKILL);
                });
                for (const unsigned i : open_jobs) {
                    if (!agent.send(round == 0 ? order_of(i) : again(i), message_of(i))) break;
                }
                const auto outcomes = agent.outcomes(open_jobs.size());
                kill(killer, SIGKILL);  // where the agent was done before its moment
                wait_for(killer);
                for (const auto& [job, outcome] : outcomes) {
                    REQUIRE(outcome.verdict == Verdict::delivered);
                    open_jobs.erase(static_cast<unsigned>(job));
                }
                continue;
            }
            for (const unsigned i : open_jobs) REQUIRE(agent.send(again(i), message_of(i)));
            REQUIRE(agent.outcomes(open_jobs.size()).size() == open_jobs.size());
            open_jobs.clear();
        }
        const auto messages = kind == links::Mailbox::mbox ? messages_of(read_file(house.mailbox()))
                                                           : house.maildir_messages();
        CHECK(messages.size() == 120);
        std::set<std::string> different;
        for (const std::string& message : messages) different.insert(message);
        CHECK(different.size() == 120);
        for (unsigned i = 1; i <= 120; ++i) {
            CHECK(std::ranges::count_if(messages, [&](const std::string& message) {
                      return message.ends_with(message_of(i));
                  }) == 1);
        }
    }
}
