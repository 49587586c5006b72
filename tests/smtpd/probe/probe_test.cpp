// The real probe, run as its callers run it. As root it runs in a mount namespace of its own,
// whose user database has (or lacks) the users of the rooms.
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/snapshots.h"
#include "tests/catch.h"
#include "tests/smtpd/probe/running.h"

using namespace holdfast;

namespace {

// A pipe that takes nothing more: whoever writes to it waits until it is read.
struct FullPipe {
    UniqueFd reader;
    UniqueFd writer;

    FullPipe() {
        std::array<int, 2> ends{-1, -1};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        reader.reset(ends[0]);
        writer.reset(ends[1]);
        const std::string page(4096, ' ');
        while (::write(writer.get(), page.data(), page.size()) > 0) continue;
        REQUIRE(fcntl(writer.get(), F_SETFL, 0) == 0);
    }
};

std::string process_status(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    return {std::istreambuf_iterator<char>(file), {}};
}

// What the kernel says of a process once it has confined itself; as it is after 10 s otherwise.
std::string confined_status(pid_t process) {
    const UniqueFd watched(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    REQUIRE(watched);
    for (int round = 0; round < 1000; ++round) {
        const std::string status = process_status(process);
        if (status.find("\nSeccomp:\t2\n") != std::string::npos) return status;
        pollfd ended{watched.get(), POLLIN, 0};
        if (poll(&ended, 1, 10) != 0) break;
    }
    return process_status(process);
}

}  // namespace

TEST_CASE("smtpd gets the plan on descriptor 3, a person gets a summary") {
    const Folder folder;
    const std::string aliases = folder.file("aliases", "root: alice\n");
    const std::string config = folder.file(
        "smtpd.conf",
        "hostname a.example\norigin b.example\nlisten [::1]:2525\naliases " + aliases + "\n");
    const Ended planned = run({"-f", config});
    CHECK(planned.err.empty());
    CHECK(planned.out.empty());
    REQUIRE(planned.status == 0);
    const auto plan = links::read_struct<links::Plan>(planned.plan.get());
    REQUIRE(plan);
    CHECK(plan->config == config);
    CHECK(plan->listeners.at(0).text == "[::1]:2525");
    CHECK(plan->listeners.at(0).place == config + ":3");
    CHECK(plan->aliases.aliases.at(0).targets.at(0) == "alice");
    CHECK(plan->identities.empty());
    CHECK(plan->mda.mail_gid == ordinary);

    const Ended checked = run({"-f", config, "check"});
    CHECK(checked.status == 0);
    CHECK(all_of(checked.plan.get()).empty());
    CHECK(checked.out == "configuration OK: " + config +
                             "\n  listen [::1]:2525\n  hostname a.example, origin b.example\n"
                             "  aliases: 1\n");
    CHECK(run({"-f", config, "--json", "check"}).out == "{\"ok\":true,\"diagnostics\":[]}\n");
}

TEST_CASE("without a file the built-in default is planned") {
    if (std::filesystem::exists(paths::config_file)) return;
    const Ended ended = run({});
    REQUIRE(ended.status == 0);
    const auto plan = links::read_struct<links::Plan>(ended.plan.get());
    REQUIRE(plan);
    CHECK(plan->config.empty());
    CHECK_FALSE(plan->listeners.empty());
}

TEST_CASE("a mistake is reported, hands nothing over and ends with status 78") {
    const Folder folder;
    const std::string config = folder.file("smtpd.conf", "listen 25\n");
    const std::string said = config +
                             ":1:8: error: no address in \"25\"\n"
                             "  listen 25\n"
                             "         ^~\n"
                             "  expected: *:25 (every address) or localhost:25 (this machine's "
                             "own programs)\n";
    const Ended ended = run({"-f", config});
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err == said);
    CHECK(all_of(ended.plan.get()).empty());
    const Ended json = run({"-f", config, "--json", "check"});
    CHECK(json.status == EX_CONFIG);
    CHECK(json.err.empty());
    CHECK(
        json.out.starts_with("{\"ok\":false,\"diagnostics\":[{\"severity\":\"error\",\"file\":\"" +
                             config + "\",\"line\":1,"));
}

TEST_CASE("aliases that lose mail are warned of, and the plan stands") {
    const Folder folder;
    const std::string aliases =
        folder.file("aliases", "root: me@example.net, me@box\na: b\nb: a\n");
    const std::string config =
        folder.file("smtpd.conf", "hostname box.example.org\naliases " + aliases + "\n");
    const Ended ended = run({"-f", config});
    CHECK(ended.status == 0);
    CHECK(ended.err == aliases +
                           ":1:7: warning: \"me@example.net\" is not on this machine\n"
                           "  root: me@example.net, me@box\n"
                           "        ^~~~~~~~~~~~~~\n"
                           "  mail to it is refused: smtpd.conf has no relay\n" +
                           aliases +
                           ":2: warning: \"a\" leads back to itself: \"a\", \"b\", \"a\"\n"
                           "  mail for them goes to their other targets, and is refused where "
                           "they have none\n");
}

TEST_CASE("a missing file is one error, at the place that names it") {
    const Folder folder;
    const std::string missing = folder.path("missing");
    CHECK(run({"-f", missing}).err ==
          missing + ": error: this file cannot be opened: No such file or directory\n");
    CHECK(run({"-f", missing}).status == EX_CONFIG);
    const std::string config = folder.file("smtpd.conf", "aliases " + missing + "\n");
    const Ended ended = run({"-f", config, "check"});
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err == config + ":1:9: error: \"" + missing +
                           "\" cannot be opened: No such file or directory\n  aliases " + missing +
                           "\n          ^" + std::string(missing.size() - 1, '~') + "\n");
}

TEST_CASE("files that others could change are refused, with the command that mends it") {
    const Folder folder;
    const std::string aliases = folder.file("aliases", "root: alice\n", 0666);
    const std::string config = folder.file("smtpd.conf", "aliases " + aliases + "\nbad\n", 0664);
    const Ended ended = run({"-f", config, "check"});
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err.starts_with(config +
                                ": error: this file may be written by others (mode 0664)\n"
                                "  mend it: chmod go-w " +
                                config + "\n"));
    CHECK(ended.err.find(config + ":1:9: error: \"" + aliases +
                         "\" may be written by others (mode 0666)\n") != std::string::npos);
    CHECK(ended.err.find("unknown statement \"bad\"") != std::string::npos);

    const std::string foreign = folder.file("foreign", "");
    REQUIRE(chown(foreign.c_str(), 1234, 0) == 0);
    CHECK(run({"-f", foreign, "check"}).err ==
          foreign + ": error: this file belongs to uid 1234, who could change it\n" +
              "  mend it: chown root " + foreign + "\n");
}

TEST_CASE("what is no file of reasonable size is refused without being waited for") {
    const Folder folder;
    CHECK(run({"-f", "/dev/zero", "check"}).err ==
          "/dev/zero: error: this file is not a regular file\n");
    CHECK(run({"-f", folder.path(""), "check"}).status == EX_CONFIG);
    REQUIRE(mkfifo(folder.path("fifo").c_str(), 0644) == 0);
    CHECK(run({"-f", folder.path("fifo"), "check"}).status == EX_CONFIG);
    const std::string large = folder.file("large", std::string((1 << 20) + 1, '\n'));
    CHECK(run({"-f", large, "check"}).err == large + ": error: this file is larger than 1MiB\n");
    const std::string secret = folder.file("secret", "", 0600);
    CHECK(run({"-f", secret, "check"}).err ==
          secret + ": error: this file cannot be opened: Permission denied\n" +
              "  run this as root, or let its user read the file\n");
}

TEST_CASE("run by root the plan names the user of every room") {
    const Folder folder;
    const std::string passwd = folder.file("passwd", std::string(rooms) + root_mailbox);
    const std::string group = folder.file("group", groups);
    // Only root may read it: the probe has given that up before it asks for the text.
    const std::string config = folder.file("smtpd.conf", "listen none\n", 0600);
    const Ended ended = run({"-f", config}, with_users(passwd, group));
    CHECK(ended.err.empty());
    REQUIRE(ended.status == 0);
    const auto plan = links::read_struct<links::Plan>(ended.plan.get());
    REQUIRE(plan);
    std::string identities;
    for (const links::Identity& identity : plan->identities) {
        identities += identity.room + "=" + std::to_string(identity.uid) + ":" +
                      std::to_string(identity.gid) + " ";
    }
    CHECK(identities ==
          "smtpin=901:911 control=902:912 qmgr=903:913 users=904:914 signer=906:916 "
          "relay=907:917 ");
    CHECK(plan->mda.mail_gid == 8);
    CHECK(plan->mda.root_uid == 905);
    CHECK(plan->mda.root_gid == 915);
}

TEST_CASE("run by root the probe has given up every privilege before it speaks") {
    const Folder folder;
    const std::string passwd = folder.file("passwd", std::string(rooms) + root_mailbox);
    const std::string group = folder.file("group", groups);
    const std::string config = folder.file("smtpd.conf", "listen none\n", 0600);
    FullPipe out;
    const UniqueFd err(memfd_create("err", MFD_CLOEXEC));
    const UniqueFd plan(memfd_create("plan", MFD_CLOEXEC));
    const pid_t probe = start({"-f", config, "check"}, with_users(passwd, group),
                              {out.writer.get(), err.get(), plan.get()});
    out.writer.reset();
    const std::string status = confined_status(probe);
    for (const char* fact :
         {"\nUid:\t904\t904\t904\t904\n", "\nGid:\t914\t914\t914\t914\n", "\nGroups:\t \n",
          "\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n", "\nCapEff:\t0000000000000000\n"}) {
        INFO(status);
        CHECK(status.find(fact) != std::string::npos);
    }
    std::array<char, 65536> drained{};
    pollfd readable{out.reader.get(), POLLIN, 0};
    while (poll(&readable, 1, 10'000) > 0) {
        if (::read(out.reader.get(), drained.data(), drained.size()) == 0) break;
    }
    CHECK(ending(probe) == 0);
}

TEST_CASE("run by root, users that are missing are one error beside those of the file") {
    const Folder folder;
    const std::string group = folder.file("group", groups);
    const std::string config = folder.file("smtpd.conf", "bad\n");
    const std::string one = folder.file("passwd", rooms);
    CHECK(run({"-f", config, "check"}, with_users(one, group))
              .err.starts_with("error: missing users: _hfroot\n"
                               "  create them: systemd-sysusers holdfast.conf\n"
                               "  or, for each: useradd --system"));
    const std::string none = folder.file("nobody", "root:x:0:0:root:/root:/bin/sh\n");
    const Ended ended = run({"-f", config, "check"}, with_users(none, group));
    CHECK(ended.status == EX_CONFIG);
    CHECK(
        ended.err.starts_with("error: missing users: _hfsmtp _hfctl _hfqueue _hfuser _hfkeys "
                              "_hfrelay _hfroot\n"));
    CHECK(ended.err.find(":1:1: error: unknown statement \"bad\"") != std::string::npos);
}

TEST_CASE("run by root, rooms with the same uid or the rights of root are refused") {
    const Folder folder;
    const std::string group = folder.file("group", "root:x:0:\n");
    const std::string config = folder.file("smtpd.conf", "");
    const std::string passwd =
        folder.file("passwd", std::string(rooms) + "_hfroot:x:904:915::/:/bin/false\n");
    CHECK(run({"-f", config, "check"}, with_users(passwd, group)).err ==
          "error: users \"_hfuser\" and \"_hfroot\" have the same uid\n"
          "  give each a uid of its own\n"
          "error: there is no group \"mail\"\n"
          "  create it: groupadd --system mail\n");
    const std::string rooted =
        folder.file("rooted", std::string(rooms) + "_hfroot:x:905:0::/:/bin/false\n");
    CHECK(run({"-f", config, "check"}, with_users(rooted, folder.file("group2", groups))).err ==
          "error: user \"_hfroot\" has the rights of root\n"
          "  give it a uid and a group of its own\n");
}

TEST_CASE("any other command line is refused with how to call it") {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"-f"}, {"-f", ""}, {"check", "more"}, {"--yaml"}, {"chekc"}}) {
        const Ended ended = run(words);
        CHECK(ended.status == EX_USAGE);
        CHECK(ended.err.starts_with("usage: probe"));
    }
}
