#include "smtpd/parent/process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/resident.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Run {
    std::string output;  // what the program sent on fd 3
    Ending ending;
};

UniqueFd open_program(const char* path) {
    return UniqueFd(open(path, O_PATH | O_CLOEXEC));
}

Run run(const std::string& script, int errors = Program::our_errors) {
    Loop loop;
    Run result;
    auto channel = make_channel();
    REQUIRE(channel);
    const UniqueFd shell = open_program("/bin/sh");
    auto process = Process::start(
        loop, {{shell.get(), "/bin/sh"}, {"sh", "-c", script}, channel->second.get(), errors},
        [&](Ending ending) {
            result.ending = ending;
            loop.stop();
        });
    REQUIRE(process);
    channel->second.reset();
    loop.run();
    while (true) {
        const auto packet = receive_packet(channel->first.get());
        if (!packet || packet->bytes.empty()) return result;
        result.output += packet->bytes;
    }
}

}  // namespace

TEST_CASE("F02 a child that ends before its parent looks is noticed once") {
    for (int i = 0; i < 200; ++i) REQUIRE(run("exit 7").ending.status == 7);
}

TEST_CASE("the signal that ended a child is told") {
    const Run result = run("kill -KILL $$");
    CHECK(result.ending.signal == SIGKILL);
    CHECK(result.ending.text() == "signal 9 (Killed)");
    CHECK_FALSE(result.ending.clean());
}

TEST_CASE("F34 a child has descriptors 0 to 3 and no others") {
    const int leaky = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
    REQUIRE(leaky >= 0);
    // One by one and by the shell alone: a pipeline would have descriptors of its own meanwhile.
    const Run result =
        run("n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && all=\"$all$n \"; n=$((n + 1)); "
            "done; printf %s \"$all\" >&3");
    close(leaky);
    CHECK(result.output == "0 1 2 3 ");
}

TEST_CASE("a child inherits neither environment nor blocked or ignored signals") {
    setenv("LD_PRELOAD_TEST", "x", 1);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    std::signal(SIGPIPE, SIG_IGN);
    const Run signals = run("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n' >&3");
    sigprocmask(SIG_SETMASK, &before, nullptr);
    CHECK(signals.output == "SigBlk:0000000000000000SigIgn:0000000000000000");
    CHECK(run("env | grep -c LD_PRELOAD_TEST >&3").output == "0\n");
}

TEST_CASE("a program that cannot run ends with 126, and says why") {
    Loop loop;
    const UniqueFd errors(memfd_create("errors", MFD_CLOEXEC));
    const UniqueFd folder = open_program("/etc");
    auto channel = make_channel();
    Ending seen;
    auto process =
        Process::start(loop, {{folder.get(), "/etc"}, {"x"}, channel->second.get(), errors.get()},
                       [&](Ending ending) {
                           seen = ending;
                           loop.stop();
                       });
    REQUIRE(process);
    loop.run();
    CHECK(seen.status == 126);
    char text[64] = {};
    CHECK(pread(errors.get(), text, sizeof text - 1, 0) > 0);
    CHECK(std::string_view(text) == "smtpd: cannot execute /etc: Permission denied\n");
}

TEST_CASE("a program goes on to be executed when another has taken its path") {
    char folder[] = "/tmp/holdfast-process-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    const std::string path = std::string(folder) + "/program";
    std::filesystem::copy_file("/bin/true", path);
    const UniqueFd pinned = open_program(path.c_str());
    std::filesystem::remove(path);
    std::filesystem::copy_file("/bin/false", path);
    Loop loop;
    auto channel = make_channel();
    Ending seen;
    auto process = Process::start(loop, {{pinned.get(), path}, {"x"}, channel->second.get()},
                                  [&](Ending ending) {
                                      seen = ending;
                                      loop.stop();
                                  });
    REQUIRE(process);
    loop.run();
    CHECK(seen.status == 0);
    std::filesystem::remove_all(folder);
}

TEST_CASE("descriptors that a child is to inherit keep their numbers, and no others come along") {
    Loop loop;
    auto channel = make_channel();
    const UniqueFd kept(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 40));
    const UniqueFd other(fcntl(STDERR_FILENO, F_DUPFD, 41));
    const UniqueFd shell = open_program("/bin/sh");
    auto process =
        Process::start(loop,
                       {{shell.get(), "sh"},
                        {"sh", "-c",
                         "n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && all=\"$all$n \"; "
                         "n=$((n + 1)); done; printf %s \"$all\" >&3"},
                        channel->second.get(),
                        Program::our_errors,
                        {kept.get()}},
                       [&](Ending) { loop.stop(); });
    REQUIRE(process);
    loop.run();
    const auto packet = receive_packet(channel->first.get());
    REQUIRE(packet);
    CHECK(packet->bytes == "0 1 2 3 40 ");
}

TEST_CASE("a child is in a session of its own, away from the terminal of whoever started smtpd") {
    const Run result =
        run("read -r pid name state parent group session rest </proc/$$/stat; "
            "[ \"$session\" = $$ ] && printf away >&3");
    CHECK(result.output == "away");
}

TEST_CASE("a child's standard error may go elsewhere") {
    const UniqueFd errors(memfd_create("errors", MFD_CLOEXEC));
    run("echo trouble >&2", errors.get());
    char text[16] = {};
    CHECK(pread(errors.get(), text, sizeof text, 0) == 8);
    CHECK(std::string_view(text) == "trouble\n");
}

TEST_CASE("a child that gives way to others does so until it is hurried") {
    Loop loop;
    auto channel = make_channel();
    REQUIRE(channel);
    const UniqueFd shell = open_program("/bin/sh");
    const std::string script =
        "nice() { cut -d ' ' -f 19 /proc/$$/stat; }; nice >&3; head -c 1 <&3 >/dev/null; nice >&3";
    auto process = Process::start(loop,
                                  {.executable = {shell.get(), "/bin/sh"},
                                   .argv = {"sh", "-c", script},
                                   .channel = channel->second.get(),
                                   .pace = Pace::gives_way},
                                  [&](const Ending&) { loop.stop(); });
    REQUIRE(process);
    const auto niceness = [&] {
        const auto packet = receive_packet(channel->first.get());
        return packet ? std::atoi(packet->bytes.c_str()) : -1;
    };
    const int ours = getpriority(PRIO_PROCESS, 0);
    const int theirs = niceness();
    // As an ordinary user it keeps ours: nobody could take back what it gave away.
    CHECK(theirs == (geteuid() == 0 ? std::min(19, ours + 10) : ours));
    (*process)->hurry();
    REQUIRE(send_packet(channel->first.get(), "x"));
    CHECK(niceness() == ours);
    loop.run();
}
