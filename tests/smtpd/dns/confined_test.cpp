// A resolver in a process as relay is one: an empty root, and a filter that lets no file be opened.
// What is added here to the calls of every room is all that libunbound needs at run time.
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/confine/filter_linux.h"
#include "smtpd/dns/lookup.h"
#include "tests/catch.h"
#include "tests/smtpd/dns/fake_name_server.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using namespace holdfast::dns;

namespace {

std::vector<CallRule> calls_of_a_resolver() {
    // The name server of the test is in the same process.
    constexpr Power powers[] = {Power::accept};
    std::vector<CallRule> rules = allowed_calls(powers);
    rules.push_back({__NR_socket, 0, ~0U, AF_INET});
    rules.push_back({__NR_socket, 0, ~0U, AF_INET6});
    rules.push_back({__NR_bind});
    rules.push_back({__NR_connect});
    rules.push_back({__NR_ioctl, 1, ~0U, SIOCGIFINDEX});  // "nameserver fe80::1%eth0"
    return rules;
}

// Runs `inside` in a child whose root is empty, and returns what it said.
std::string confined(const std::function<std::string()>& inside) {
    char root[] = "/tmp/holdfast-dns-XXXXXX";
    REQUIRE(mkdtemp(root) != nullptr);
    int report[2];
    REQUIRE(pipe(report) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // the test framework's handler would tell of it twice
        const bool rooted = geteuid() != 0 || (chroot(root) == 0 && chdir("/") == 0);
        if (!rooted || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
        if (!install_filter(calls_of_a_resolver())) _exit(1);
        const std::string text = inside();
        _exit(write(report[1], text.data(), text.size()) < 0 ? 1 : 0);
    }
    close(report[1]);
    std::string text;
    for (char byte = 0; read(report[0], &byte, 1) == 1;) text.push_back(byte);
    close(report[0]);
    int status = 0;
    waitpid(child, &status, 0);
    std::filesystem::remove(root);
    return WIFEXITED(status) ? text : "signal " + std::to_string(WTERMSIG(status));
}

std::string outcome(Resolver& resolver, const std::string& host) {
    std::optional<HostAddresses> result;
    Lookup lookup(
        resolver, host, [&](HostAddresses found) { result = std::move(found); },
        std::chrono::seconds(4));
    turn_until(resolver.loop(), [&] { return result.has_value(); });
    if (!result) return "silence";
    return result->addresses.empty() ? result->why : result->addresses.front().text();
}

}  // namespace

TEST_CASE("a resolver needs no file, in an empty root with a filter, and neither do new texts") {
    Loop loop;
    FakeNameServer server(loop);
    FakeNameServer sixth(loop, "::1", server.port());
    server.add("udp.example", "192.0.2.1");
    server.script(
        "tcp.example", RecordType::a,
        {.records = {address_record("tcp.example", "192.0.2.2")}, .truncated_over_udp = true});
    sixth.add("six.example", "192.0.2.3");
    const auto setup = [&](std::string_view resolv_conf, std::string_view anchors = {}) {
        return Resolver::Setup{.resolv_conf = resolv_conf,
                               .hosts = {},
                               .trust_anchors = anchors,
                               .port = server.port()};
    };
    const std::string said = confined([&] {
        Resolver resolver(loop, setup("nameserver 127.0.0.1\n"));
        std::string text = outcome(resolver, "udp.example") + "\n";
        text += outcome(resolver, "tcp.example") + "\n";
        text += outcome(resolver, "no.example") + "\n";
        resolver.set_up(setup("nameserver ::1%lo\n"));
        text += outcome(resolver, "six.example") + "\n";
        resolver.set_up(
            setup("nameserver 127.0.0.1\n", "elsewhere. IN DS 1 8 2 " + std::string(64, 'A')));
        text += outcome(resolver, "udp.example") + "\n";
        text += access("/etc", F_OK) == 0 ? "there are files\n" : "there are no files\n";
        return text;
    });
    CHECK(said ==
          "192.0.2.1\n192.0.2.2\nno.example: no such host (NXDOMAIN)\n192.0.2.3\n192.0.2.1\n"
          "there are no files\n");
}
