#include "tests/smtpd/probe/running.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

namespace holdfast {

namespace {

[[noreturn]] void become_probe(const std::vector<std::string>& words) {
    std::vector<const char*> argv{"probe"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    argv.push_back(nullptr);
    // In a sanitizer build: a confined process cannot look for leaks.
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    execv(HOLDFAST_PROBE, const_cast<char* const*>(argv.data()));
    _exit(126);
}

}  // namespace

Folder::Folder() {
    std::string name = "/tmp/probe_test.XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    REQUIRE(chmod(path_.c_str(), 0755) == 0);
}

Folder::~Folder() {
    std::filesystem::remove_all(path_);
}

std::string Folder::file(const std::string& name, const std::string& text, mode_t mode) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
    return path;
}

std::string all_of(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
    for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

bool become_ordinary() {
    return setresgid(ordinary, ordinary, ordinary) == 0 && setuid(ordinary) == 0;
}

Setting with_users(std::string passwd, std::string group) {
    return [passwd = std::move(passwd), group = std::move(group)] {
        return unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount(passwd.c_str(), "/etc/passwd", nullptr, MS_BIND, nullptr) == 0 &&
               mount(group.c_str(), "/etc/group", nullptr, MS_BIND, nullptr) == 0;
    };
}

pid_t start(const std::vector<std::string>& words, const Setting& setting, Descriptors fds) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child != 0) return child;
    const bool ready = setting() && dup2(fds.out, 1) == 1 && dup2(fds.err, 2) == 2;
    // The descriptor may have the number already, and is then marked to close.
    const UniqueFd copy(fcntl(fds.plan, F_DUPFD_CLOEXEC, 10));
    if (!ready || dup2(copy.get(), 3) != 3) _exit(125);
    become_probe(words);
}

int ending(pid_t child) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

Ended run(const std::vector<std::string>& words, const Setting& setting) {
    Ended ended;
    const UniqueFd out(memfd_create("out", MFD_CLOEXEC));
    const UniqueFd err(memfd_create("err", MFD_CLOEXEC));
    ended.plan.reset(memfd_create("plan", MFD_CLOEXEC));
    ended.status = ending(start(words, setting, {out.get(), err.get(), ended.plan.get()}));
    ended.out = all_of(out.get());
    ended.err = all_of(err.get());
    return ended;
}

}  // namespace holdfast
