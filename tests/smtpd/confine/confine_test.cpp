// The confinement, tried from inside: each test forks a child, confines it and lets it try.
#include "smtpd/confine/confine.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/owned/acts.h"

using namespace holdfast;

namespace {

constexpr uid_t some_uid = 61234;

// Runs `inside` in a child and returns what it printed.
std::string in_child(const std::function<std::string()>& inside) {
    int report[2];
    REQUIRE(pipe(report) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // the test framework's handler would tell of it twice
        const std::string text = inside();
        _exit(write(report[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                              : 1);
    }
    close(report[1]);
    std::string text;
    char byte = 0;
    while (read(report[0], &byte, 1) == 1) text.push_back(byte);
    close(report[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return text;
}

links::Start as_room() {
    links::Start start;
    start.privileged = geteuid() == 0;
    start.uid = some_uid;
    start.gid = some_uid;
    return start;
}

std::string acts_that_work(const owned::Victim& victim) {
    std::string worked;
    for (const auto& result : owned::perform_acts(victim)) {
        if (result.worked) worked.append(result.act).append(" ");
    }
    return worked;
}

struct Spool {
    std::string path;
    Spool() {
        char name[] = "/tmp/holdfast-confine-XXXXXX";
        path = mkdtemp(name);
        std::filesystem::create_directory(path + "/queue");
        std::filesystem::permissions(path, std::filesystem::perms::all);
        std::filesystem::permissions(path + "/queue", std::filesystem::perms::all);
    }
    ~Spool() { std::filesystem::remove_all(path); }
};

// A process that is there to be attacked, of the same user as the attacker: uids alone would not
// protect it.
struct Victim {
    pid_t pid;
    int hold[2] = {-1, -1};
    Victim() {
        REQUIRE(pipe(hold) == 0);
        pid = fork();
        if (pid == 0) {
            close(hold[1]);
            if (geteuid() == 0 && (setresgid(some_uid, some_uid, some_uid) != 0 ||
                                   setresuid(some_uid, some_uid, some_uid) != 0)) {
                _exit(1);
            }
            char byte = 0;
            _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
        }
        close(hold[0]);
    }
    ~Victim() {
        close(hold[1]);
        waitpid(pid, nullptr, 0);
    }
};

std::string attack(const std::function<Status()>& confine_first) {
    const Spool spool;
    const Victim victim;
    return in_child([&] {
        if (const auto done = confine_first(); !done) return done.error().text();
        return acts_that_work({victim.pid, spool.path, {}});
    });
}

}  // namespace

TEST_CASE("without confinement every act works, so that the tests below can fail") {
    REQUIRE(geteuid() == 0);
    CHECK(attack([] { return Status(); }) ==
          "read-shadow list-spool write-file execute start-process trace signal read-memory-file "
          "read-memory connect bind listen become-root run-written-code new-namespace "
          "type-at-terminal "
          "change-terminal signal-by-descriptor "
          "limit-another ");
}

TEST_CASE("a room that only accepts connections can do nothing else") {
    CHECK(attack([] { return confine(as_room(), {{Power::accept}, {}, {}}); }).empty());
}

TEST_CASE("a room with threads and files of its own tree can do nothing outside it") {
    const Spool own;
    CHECK(attack([&] {
              return confine(
                  as_room(),
                  {{Power::files, Power::reading, Power::threads}, {own.path}, {own.path}});
          }).empty());
}

TEST_CASE("a room that connects to other machines can have nobody connect to it") {
    CHECK(attack([] { return confine(as_room(), {{Power::ip_client}, {}, {}}); }) ==
          "connect bind ");
}

TEST_CASE("a room that asks the name service reads, and neither writes nor runs anything") {
    const std::string worked = attack(
        [] { return confine(as_room(), {{Power::reading, Power::unix_client}, {"/"}, {}}); });
    CHECK(worked == "list-spool ");  // of this test, which lies open; the real one is 0700
}

TEST_CASE("a confined room works in its own tree") {
    const Spool own;
    const std::string result = in_child([&] {
        const auto done = confine(as_room(), {{Power::files, Power::threads}, {}, {own.path}});
        if (!done) return done.error().text();
        int made = -1;
        std::thread([&] {
            made = open((own.path + "/queue/x").c_str(), O_CREAT | O_WRONLY, 0600);
        }).join();
        return std::string(made >= 0 ? "works" : strerrordesc_np(errno));
    });
    CHECK(result == "works");
}

TEST_CASE("abort still ends a confined room, by its signal") {
    const std::string result = in_child([]() -> std::string {
        if (const auto done = confine(as_room(), {}); !done) return done.error().text();
        abort();
    });
    CHECK(result == "signal 6");
}

TEST_CASE("F35 a room that would stay root does not start") {
    REQUIRE(geteuid() == 0);
    const std::string result = in_child([]() -> std::string {
        links::Start start = as_room();
        start.uid = 0;
        const auto done = confine(start, {});
        return done ? "started" : done.error().text();
    });
    CHECK(result == "a room must not run as root");
}
