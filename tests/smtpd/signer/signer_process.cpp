#include "tests/smtpd/signer/signer_process.h"

#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/snapshots.h"
#include "tests/catch.h"
#include "tests/smtpd/tls/issuing.h"

namespace holdfast::signer {

namespace {

struct Ends {
    UniqueFd ours;
    UniqueFd theirs;
    Ends() {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
};

[[noreturn]] void run_program(int parent) {
    if (parent == links::parent_fd) fcntl(parent, F_SETFD, 0);
    if (parent != links::parent_fd && dup2(parent, links::parent_fd) < 0) _exit(98);
    execl(SIGNER_PROGRAM, SIGNER_PROGRAM, nullptr);
    _exit(99);
}

}  // namespace

SignerProcess::SignerProcess() {
    char folder[] = "/dev/shm/holdfast-signer-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    root_ = folder;
    REQUIRE(chmod(folder, 0755) == 0);
    Ends parent;
    pid_ = fork();
    if (pid_ == 0) run_program(parent.theirs.get());
    parent_ = std::move(parent.ours);
    links::Start start;
    start.privileged = true;
    start.uid = start.gid = uid;
    start.root = root_;
    start.log.reset(open("/dev/null", O_WRONLY | O_CLOEXEC));
    start.snapshot = *links::seal_struct("signer", links::SignerSnapshot{});
    tell(std::move(start));
    REQUIRE(std::holds_alternative<links::Ready>(next()));
}

SignerProcess::~SignerProcess() {
    rmdir(root_.c_str());
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

void SignerProcess::tell(const links::ParentToSigner& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    std::string packet;
    append_frame(packet, encoder.bytes);
    REQUIRE(send_packet(parent_.get(), packet, encoder.fds));
}

UniqueFd SignerProcess::introduce(links::Room room) {
    Ends ends;
    tell(links::Peer{room, std::move(ends.theirs)});
    return std::move(ends.ours);
}

links::SignerToParent SignerProcess::next() {
    auto packet = receive_packet(parent_.get());
    REQUIRE(packet);
    std::string_view rest = packet->bytes;
    const auto frame = take_frame(rest);
    REQUIRE(frame);
    REQUIRE(rest.empty());
    links::Decoder decoder(*frame, packet->fds, links::Tail::skip);
    auto message = decoder.take_frame<links::SignerToParent>();
    REQUIRE(message);
    return std::move(*message);
}

std::vector<links::LoadedKey> SignerProcess::load(std::uint64_t set,
                                                  std::span<const tls::KeyKind> kinds) {
    std::vector<links::KeyFile> files;
    for (const tls::KeyKind kind : kinds) {
        files.push_back({static_cast<std::uint32_t>(kind), "key",
                         tls::file_with(tls::pem_of(tls::shared_key(kind))), "chain",
                         tls::any_chain()});
    }
    auto keys = load(set, std::move(files));
    for (const auto& key : keys) CHECK(key.error.empty());
    return keys;
}

std::vector<links::LoadedKey> SignerProcess::load(std::uint64_t set,
                                                  std::vector<links::KeyFile> files) {
    tell(links::LoadKeys{set, std::move(files)});
    auto answer = std::get<links::KeysLoaded>(next());
    CHECK(answer.set == set);
    return std::move(answer.keys);
}

links::Room SignerProcess::take_malformed() {
    return std::get<links::Malformed>(next()).sender;
}

int SignerProcess::wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int SignerProcess::end() {
    tell(links::Drain{});
    return wait();
}

void SignerProcess::abandon() {
    parent_.reset();
}

std::string SignerProcess::status_line(const std::string& key) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    }
    return {};
}

}  // namespace holdfast::signer
