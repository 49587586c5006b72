// The commands as functions, against a daemon of a few lines: what is printed and the exit status
// are taken from a child process.
#include <algorithm>
#include <csignal>
#include <cstring>
#include <functional>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/mtactl/command.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/control_client.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::mtactl;

namespace {

struct Said {
    int status = -1;
    std::string out;
    std::string error;
};

std::pair<UniqueFd, UniqueFd> make_pipe() {
    int fds[2] = {-1, -1};
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string drain(int fd) {
    std::string text;
    char buffer[4096];
    ssize_t count = 0;
    while ((count = read(fd, buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
}

// A daemon that takes one connection and answers each message with what `answer` gives.
using Answering = std::function<std::vector<links::ControlToClient>(const links::ClientToControl&)>;

class TestDaemon {
  public:
    TestDaemon() : path_("/tmp/holdfast-mtactl-" + std::to_string(getpid())) {
        listener_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path_.c_str());
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(bind(listener_.get(), generic, sizeof address) == 0);
        REQUIRE(listen(listener_.get(), 5) == 0);
    }
    ~TestDaemon() { unlink(path_.c_str()); }

    const std::string& path() const { return path_; }

    void serve(const Answering& answering) const {
        pollfd waiting{listener_.get(), POLLIN, 0};
        if (poll(&waiting, 1, 5000) <= 0) return;
        const UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        for (;;) {
            const auto packet = receive_packet(client.get());
            if (!packet || packet->bytes.empty()) return;
            if (!answer(client.get(), packet->bytes, answering)) return;
        }
    }

  private:
    static bool answer(int client, std::string_view packet, const Answering& answering) {
        while (const auto frame = take_frame(packet)) {
            links::Decoder decoder(*frame, {}, links::Tail::skip);
            const auto message = decoder.take_frame<links::ClientToControl>();
            if (!message) return false;
            const auto replies = answering(*message);
            if (replies.empty()) return false;
            for (const auto& reply : replies) {
                links::Encoder encoder;
                encoder.put_frame(reply);
                std::string bytes;
                append_frame(bytes, encoder.bytes);
                if (!send_packet(client, bytes)) return false;
            }
        }
        return true;
    }

    std::string path_;
    UniqueFd listener_;
};

Said run_in_child(const std::function<int()>& command, const std::function<void()>& meanwhile) {
    auto [out, out_writer] = make_pipe();
    auto [error, error_writer] = make_pipe();
    const pid_t child = fork();
    if (child == 0) {
        dup2(out_writer.get(), STDOUT_FILENO);
        dup2(error_writer.get(), STDERR_FILENO);
        _exit(command());
    }
    out_writer.reset();
    error_writer.reset();
    meanwhile();
    Said said;
    said.out = drain(out.get());
    said.error = drain(error.get());
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    said.status = WEXITSTATUS(status);
    return said;
}

Said run_with_daemon(const Invocation& invocation, const Answering& answering) {
    const TestDaemon daemon;
    const Site site{daemon.path(), "/nowhere/probe"};
    return run_in_child([&] { return invocation.run(site); }, [&] { daemon.serve(answering); });
}

Said run_alone(const Invocation& invocation, const std::string& probe = "/nowhere/probe") {
    const Site site{"/nowhere/control", probe};
    return run_in_child([&] { return invocation.run(site); }, [] {});
}

bool is_one_line(const std::string& text) {
    return !text.empty() && text.find('\n') == text.size() - 1;
}

const MessageId an_id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");

}  // namespace

TEST_CASE("without a daemon every command says so in one line, with status 69") {
    for (const Command& command :
         {Command(StatusCommand{}), Command(ListCommand{}), Command(ShowCommand{an_id}),
          Command(RemoveCommand{{an_id}}), Command(FlushCommand{}), Command(AliasesCommand{}),
          Command(StopCommand{})}) {
        const Said text = run_alone({Form::text, command});
        CHECK(text.status == 69);
        CHECK(text.out.empty());
        CHECK(is_one_line(text.error));
        CHECK(text.error.find("not running") != std::string::npos);
        const Said json = run_alone({Form::json, command});
        CHECK(json.status == 69);
        CHECK(json.out.starts_with("{\"ok\":false,\"status\":69,"));
    }
}

TEST_CASE("a refusal of the daemon is its words and its status, made harmless") {
    const Said said = run_with_daemon({Form::text, RemoveCommand{{an_id}}}, [](const auto&) {
        return std::vector<links::ControlToClient>{links::Answer{77, "only root\x1b[2J\nmay"}};
    });
    CHECK(said.status == 77);
    CHECK(said.error == "mtactl: only root\\x1B[2J\\nmay\n");
}

TEST_CASE("what is wrong with the alias files is printed with its places") {
    const auto answering = [](links::Answer answer) {
        return [answer](const auto&) { return std::vector<links::ControlToClient>{answer}; };
    };
    const Invocation invocation{Form::text, AliasesCommand{}};
    const Said bad =
        run_with_daemon(invocation, answering({78, "/etc/aliases:1: error\n  \x1b[2J\nstays"}));
    CHECK(bad.status == 78);
    CHECK(bad.error == "/etc/aliases:1: error\n  \\x1B[2J\nmtactl: stays\n");
    const Said warned = run_with_daemon(invocation, answering({0, "/etc/aliases:1: warning\n"}));
    CHECK(warned.status == 0);
    CHECK(warned.error == "/etc/aliases:1: warning\n");
    CHECK(warned.out == "the alias files have been read again\n");
    CHECK(run_with_daemon(invocation, answering({0, ""})).error.empty());
}

TEST_CASE("a daemon that goes away without an answer is status 75") {
    const Said said = run_with_daemon({Form::text, FlushCommand{}}, [](const auto&) {
        return std::vector<links::ControlToClient>{};
    });
    CHECK(said.status == 75);
    CHECK(is_one_line(said.error));
}

TEST_CASE("a list comes in pages and is printed as one") {
    const Said said = run_with_daemon({Form::json, ListCommand{}}, [](const auto&) {
        links::QueueItem item;
        item.id = an_id;
        return std::vector<links::ControlToClient>{links::ListItems{1, {item, item}, false},
                                                   links::ListItems{1, {item}, true},
                                                   links::Answer{}};
    });
    CHECK(said.status == 0);
    CHECK(std::count(said.out.begin(), said.out.end(), '{') == 3);
    CHECK(said.out.ends_with("]\n"));
}

TEST_CASE("into a pipe a message is shown byte for byte") {
    const Said said = run_with_daemon({Form::text, ShowCommand{an_id}}, [](const auto&) {
        return std::vector<links::ControlToClient>{links::Text{1, "a\x1b\xff"},
                                                   links::Text{1, "b\n"}, links::Answer{}};
    });
    CHECK(said.status == 0);
    CHECK(said.out ==
          "a\x1b\xff"
          "b\n");
}

TEST_CASE("many ids are asked about in several requests on one connection") {
    std::size_t requests = 0;
    std::size_t ids = 0;
    const Invocation invocation{Form::text, RemoveCommand{std::vector<MessageId>(7000, an_id)}};
    const Said said = run_with_daemon(invocation, [&](const links::ClientToControl& message) {
        ++requests;
        ids += std::get<links::RemoveRequest>(message).ids.size();
        return std::vector<links::ControlToClient>{links::Answer{}};
    });
    CHECK(said.status == 0);
    CHECK(said.out == "removed 7000 messages\n");
    CHECK(requests == 3);
    CHECK(ids == 7000);
}

TEST_CASE("a status has the uid of an mda from the kernel, that of a room from the daemon") {
    const Said said = run_with_daemon({Form::json, StatusCommand{}}, [](const auto&) {
        links::Overview overview;
        for (const char* room : {"qmgr", "mda"}) {
            links::RoomStatus status;
            status.room = room;
            status.pid = getpid();
            status.uid = geteuid() + 1;
            overview.daemon.rooms.push_back(std::move(status));
        }
        return std::vector<links::ControlToClient>{std::move(overview), links::Answer{}};
    });
    CHECK(said.status == 0);
    const std::size_t mda = said.out.find("\"room\":\"mda\"");
    const auto uid = [](uid_t number) { return "\"uid\":" + std::to_string(number) + ","; };
    CHECK(said.out.find(uid(geteuid() + 1)) < mda);
    CHECK(said.out.find(uid(geteuid()), mda) != std::string::npos);
}

namespace {

constexpr std::int64_t a_day = links::milliseconds_a_day;

links::CertificateStatus a_certificate(std::int64_t days) {
    const std::int64_t now = real_clock().wall().time_since_epoch().count();
    links::CertificateStatus one;
    one.host = "mx.example.org";
    one.file = "/etc/tls/mx.pem";
    one.fingerprint = std::string(64, 'a');
    one.not_before = now - 60 * a_day;
    one.not_after = now + days * a_day + a_day / 2;
    return one;
}

Answering certificates_of(std::vector<links::CertificateStatus> rows) {
    return [rows = std::move(rows)](const links::ClientToControl& message) {
        CHECK(std::get<links::OrderRequest>(message).order == links::Order::reload_certs);
        std::vector<links::ControlToClient> said;
        for (const links::CertificateStatus& row : rows) said.push_back(links::Certificates{{row}});
        said.push_back(links::Outcome{});
        said.push_back(links::Answer{});
        return said;
    };
}

}  // namespace

TEST_CASE("reload-certs prints every certificate, and succeeds where all last") {
    const Invocation invocation{Form::text, ReloadCertsCommand{}};
    auto other = a_certificate(80);
    other.host = "other.example.org";
    const Said said = run_with_daemon(invocation, certificates_of({a_certificate(30), other}));
    CHECK(said.status == 0);
    CHECK(said.error.empty());
    CHECK(said.out.starts_with("mx.example.org\n"));
    CHECK(said.out.find("\nother.example.org\n") != std::string::npos);
    CHECK(said.out.find("in 30 days") != std::string::npos);
}

TEST_CASE("reload-certs warns of a certificate that expires, and succeeds all the same") {
    const auto form = GENERATE(Form::text, Form::json);
    const auto days = GENERATE(20, -3);
    const Said said = run_with_daemon({form, ReloadCertsCommand{}},
                                      certificates_of({a_certificate(30), a_certificate(days)}));
    CHECK(said.status == 0);
    CHECK(is_one_line(said.error));
    const std::string end = days > 0 ? "expires on " : "has expired on ";
    CHECK(said.error.find("(/etc/tls/mx.pem) " + end) != std::string::npos);
    const bool json = form == Form::json;
    CHECK(said.out.starts_with(json ? R"({"ok":true,"status":0,"certificates":[{)" : "mx."));
}

TEST_CASE("reload-certs without certificates says so, and fails where smtpd refuses") {
    const Said none = run_with_daemon({Form::text, ReloadCertsCommand{}}, certificates_of({}));
    CHECK(none.status == 0);
    CHECK(none.out == "smtpd.conf names no certificates: there is nothing to read\n");
    const Said refused = run_with_daemon({Form::text, ReloadCertsCommand{}}, [](const auto&) {
        return std::vector<links::ControlToClient>{links::Answer{78, "mx.pem: no"}};
    });
    CHECK(refused.status == 78);
    CHECK(refused.out.empty());
    CHECK(refused.error == "mtactl: mx.pem: no\n");
}

TEST_CASE("a status with a certificate that has expired is a warning and an exit status") {
    const Said said = run_with_daemon({Form::text, StatusCommand{}}, [](const auto&) {
        links::Overview overview;
        overview.daemon.certificates = {a_certificate(-3), a_certificate(40)};
        return std::vector<links::ControlToClient>{std::move(overview), links::Answer{}};
    });
    CHECK(said.status == exit_expires_soon);
    CHECK(is_one_line(said.error));
    CHECK(said.error.find(" has expired on ") != std::string::npos);
}

TEST_CASE("stop returns when the daemon's process has ended, and not before") {
    // A daemon may end before it has answered: then the connection is all that tells.
    const auto last_words = GENERATE(std::vector<links::ControlToClient>{links::Answer{}},
                                     std::vector<links::ControlToClient>{});
    const pid_t daemon_process = fork();
    if (daemon_process == 0) {
        pause();
        _exit(0);
    }
    const Said said = run_with_daemon(
        {Form::text, StopCommand{Haste::now}}, [&](const links::ClientToControl& message) {
            if (const auto* stop = std::get_if<links::OrderRequest>(&message)) {
                CHECK(stop->order == links::Order::stop);
                CHECK(stop->now);
                kill(daemon_process, SIGKILL);
                return last_words;
            }
            links::Overview overview;
            overview.daemon.rooms.resize(1);
            overview.daemon.rooms[0].room = "parent";
            overview.daemon.rooms[0].pid = daemon_process;
            return std::vector<links::ControlToClient>{std::move(overview), links::Answer{}};
        });
    CHECK(said.status == 0);
    CHECK(said.out == "smtpd has ended\n");
    CHECK(waitpid(daemon_process, nullptr, WNOHANG) == daemon_process);
}

TEST_CASE("check becomes the probe, with its words and its status") {
    const Said missing = run_alone({Form::text, CheckCommand{}});
    CHECK(missing.status == 72);
    CHECK(is_one_line(missing.error));
    const Said echoed = run_alone({Form::json, CheckCommand{"a file; x"}}, "/bin/echo");
    CHECK(echoed.status == 0);
    CHECK(echoed.out == "-f a file; x --json check\n");
}

TEST_CASE("output that can't be written is status 74") {
    const Said said = run_in_child(
        [] {
            dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
            return Invocation{Form::text, StatusCommand{}}.run(
                {"/nowhere/control", "/nowhere/probe"});
        },
        [] {});
    CHECK(said.status == 69);
    const TestDaemon daemon;
    const Said listed = run_in_child(
        [&] {
            dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
            return Invocation{Form::text, ListCommand{}}.run({daemon.path(), "/nowhere/probe"});
        },
        [&] {
            daemon.serve(
                [](const auto&) { return std::vector<links::ControlToClient>{links::Answer{}}; });
        });
    CHECK(listed.status == 74);
}
