#include "tests/smtpd/mda/agent_process.h"

#include <cstdlib>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/links/parent_mda.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/transfer.h"

namespace holdfast::mda {

namespace {

struct Ends {
    UniqueFd ours;
    UniqueFd theirs;
};

Ends socket_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

template <class Variant>
std::string packet_of(const Variant& message, std::vector<int>& fds) {
    links::Encoder encoder;
    encoder.put_frame(message);
    fds = encoder.fds;
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

void tell(int socket, const links::ParentToMda& message) {
    std::vector<int> fds;
    const std::string packet = packet_of(message, fds);
    if (!send_packet(socket, packet, fds)) std::abort();
}

[[noreturn]] void run_program(int parent, AgentProcess::Rights rights) {
    const bool ordinary = rights == AgentProcess::Rights::ordinary;
    if (ordinary && (setgroups(0, nullptr) != 0 || setresgid(alice, alice, alice) != 0 ||
                     setresuid(alice, alice, alice) != 0)) {
        _exit(98);
    }
    if (parent == links::parent_fd) fcntl(parent, F_SETFD, 0);
    if (parent != links::parent_fd && dup2(parent, links::parent_fd) < 0) _exit(98);
    // A leak report needs /proc, which a confined process can't see.
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    execl(MDA_PROGRAM, MDA_PROGRAM, nullptr);
    _exit(98);
}

}  // namespace

void use_user_database(const Scratch& folder, const std::string& passwd, const std::string& group) {
    static bool own_namespace = false;
    const bool mounted = own_namespace;
    if (!own_namespace && (unshare(CLONE_NEWNS) != 0 ||
                           mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)) {
        std::abort();
    }
    own_namespace = true;
    write_file(folder.at("passwd"), passwd);
    write_file(folder.at("group"), group);
    for (const char* name : {"passwd", "group"}) {
        const std::string target = std::string("/etc/") + name;
        if (mounted) umount2(target.c_str(), MNT_DETACH);  // the earlier one: its file has gone
        if (mount(folder.at(name).c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
            std::abort();
        }
    }
}

AgentProcess::AgentProcess(const std::string& user, const links::MdaSnapshot& snapshot,
                           Rights rights) {
    Ends parent = socket_pair();
    Ends qmgr = socket_pair();
    pid_ = fork();
    if (pid_ == 0) run_program(parent.theirs.get(), rights);
    parent_ = std::move(parent.ours);
    qmgr_ = std::move(qmgr.ours);
    links::Start start;
    start.privileged = rights == Rights::privileged;
    start.snapshot = *links::seal_struct("mda", snapshot);
    tell(parent_.get(), std::move(start));
    tell(parent_.get(), links::User{user});
    tell(parent_.get(), links::Peer{links::Room::qmgr, std::move(qmgr.theirs)});
}

AgentProcess::~AgentProcess() {
    if (pid_ > 0) kill_and_wait();
}

bool AgentProcess::wait_ready() {
    const auto packet = receive_packet(parent_.get());
    return packet && !packet->bytes.empty();
}

bool AgentProcess::send_packet_bytes(const std::string& bytes) {
    return send_packet(qmgr_.get(), bytes).has_value();
}

bool AgentProcess::send(links::Deliver order, std::string_view message) {
    order.length = message.size();
    std::vector<int> fds;
    std::string packet = packet_of(links::QmgrToMda(order), fds);
    while (!message.empty()) {
        const std::string_view chunk = message.substr(0, max_chunk);
        message.remove_prefix(chunk.size());
        while (sent_ + chunk.size() - taken_ > links::window) {
            if (!packet.empty() && !send_packet_bytes(packet)) return false;
            packet.clear();
            if (!read_packet()) return false;
        }
        sent_ += chunk.size();
        const std::string next =
            packet_of(links::QmgrToMda(links::Bytes{order.job, std::string(chunk)}), fds);
        if (packet.size() + next.size() > max_packet) {
            if (!send_packet_bytes(packet)) return false;
            packet.clear();
        }
        packet += next;
    }
    return packet.empty() || send_packet_bytes(packet);
}

bool AgentProcess::read_packet() {
    const auto packet = receive_packet(qmgr_.get());
    if (!packet || packet->bytes.empty()) return false;
    std::string_view rest = packet->bytes;
    while (!rest.empty()) {
        const auto frame = take_frame(rest);
        if (!frame) std::abort();
        links::Decoder decoder(*frame, {}, links::Tail::strict);
        auto message = decoder.take_frame<links::MdaToQmgr>();
        if (!message) std::abort();
        if (auto* report = std::get_if<links::Report>(&*message)) {
            outcomes_[report->job] = std::move(report->outcome);
        } else {
            taken_ += std::get<links::BytesTaken>(*message).bytes;
        }
    }
    return true;
}

std::map<std::uint64_t, Outcome> AgentProcess::outcomes(std::size_t count) {
    while (outcomes_.size() < count && read_packet()) {
    }
    return outcomes_;
}

int AgentProcess::close_and_wait() {
    if (shutdown(qmgr_.get(), SHUT_WR) != 0) qmgr_.reset();
    return wait_for(std::exchange(pid_, -1));
}

int AgentProcess::kill_and_wait() {
    ::kill(pid_, SIGKILL);
    return wait_for(std::exchange(pid_, -1));
}

std::string AgentProcess::status_line(const std::string& key) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    }
    return {};
}

}  // namespace holdfast::mda
