// A client that others wrote: openssl s_client, with which admins look at a server.
#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/loop/acceptor.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"
#include "tests/smtpd/tls/ends.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

// A server on a path of its own, which says hello to each client and finishes.
class Host {
  public:
    Host(Loop& loop, const ServerContext& context) {
        char name[] = "/dev/shm/holdfast-tls-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        folder_ = name;
        acceptor_.emplace(loop, listener(), path(), [this, &loop, context](UniqueFd socket) {
            servers_.push_back(std::make_unique<Server>(loop, std::move(socket)));
            Server& server = *servers_.back();
            server.start_tls(context);
            server.stream.write("220 hello from the stream\n");
        });
        acceptor_->want_connections(true);
    }
    ~Host() { std::filesystem::remove_all(folder_); }
    std::string path() const { return folder_ + "/socket"; }
    std::string file(const std::string& name) const { return folder_ + "/" + name; }

  private:
    UniqueFd listener() const {
        UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path(), address.sun_path);
        REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(fd.get(), 5) == 0);
        return fd;
    }
    std::string folder_;
    std::optional<Acceptor> acceptor_;
    std::vector<std::unique_ptr<Server>> servers_;
};

// What s_client prints, with these arguments more.
std::string s_client(Loop& loop, const Host& host, std::vector<std::string> more) {
    int out[2];
    int in[2];
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    const UniqueFd printed(out[0]);
    UniqueFd its_output(out[1]);
    const UniqueFd its_input(in[0]);
    UniqueFd typed(in[1]);
    std::vector<std::string> words{"openssl", "s_client", "-unix", host.path()};
    words.insert(words.end(), more.begin(), more.end());
    const pid_t child = fork();
    if (child == 0) {
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        dup2(its_input.get(), 0);
        dup2(its_output.get(), 1);
        dup2(its_output.get(), 2);
        execvp("openssl", argv.data());
        _exit(99);
    }
    its_output.reset();
    fcntl(printed.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    turn_until(loop, [&] {
        char buffer[4096];
        const ssize_t got = read(printed.get(), buffer, sizeof buffer);
        if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
        // It ends when its input does; not before it has seen our greeting.
        if (text.find("hello from the stream") != std::string::npos) typed.reset();
        loop.post([] {});
        return got == 0;
    });
    waitpid(child, nullptr, 0);
    return text;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("openssl s_client speaks both versions with us and sees the certificate it asked for") {
    LocalKeys keys;
    const auto context = server_context({certificate_for(KeyKind::rsa, {"one.example"}),
                                         certificate_for(KeyKind::ecdsa_p256, {"two.example"})},
                                        keys.function());
    Loop loop;
    const Host host(loop, context);
    const std::string old = s_client(loop, host, {"-tls1_2", "-brief"});
    INFO(old);
    CHECK(has(old, "Protocol version: TLSv1.2"));
    CHECK(has(old, "Signature type: RSA"));
    CHECK(has(old, "220 hello from the stream"));
    const std::string fresh =
        s_client(loop, host, {"-tls1_3", "-brief", "-servername", "two.example"});
    INFO(fresh);
    CHECK(has(fresh, "Protocol version: TLSv1.3"));
    CHECK(has(fresh, "Signature type: ECDSA"));
    CHECK(has(fresh, "220 hello from the stream"));
}

TEST_CASE("openssl s_client resumes its session") {
    LocalKeys keys;
    const auto context = server_context({certificate_for(KeyKind::rsa, {"one.example"})},
                                        keys.function(), {TicketKey{7}});
    Loop loop;
    const Host host(loop, context);
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        const std::string file = host.file("session" + version);
        CHECK(has(s_client(loop, host, {version, "-sess_out", file}), "New, "));
        CHECK(has(s_client(loop, host, {version, "-sess_in", file}), "Reused, "));
    }
}

TEST_CASE("openssl s_client is refused where it offers TLS 1.1 only") {
    LocalKeys keys;
    const auto context =
        server_context({certificate_for(KeyKind::rsa, {"one.example"})}, keys.function());
    Loop loop;
    const Host host(loop, context);
    const std::string said =
        s_client(loop, host, {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-brief"});
    INFO(said);
    CHECK(has(said, "alert protocol version"));
}
