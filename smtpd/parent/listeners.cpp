#include "smtpd/parent/listeners.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace holdfast {

namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<SocketAddress> socket_address(const links::ListenPlan& plan) {
    SocketAddress result;
    if (plan.ipv6) {
        auto* address = reinterpret_cast<sockaddr_in6*>(&result.storage);
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(plan.port);
        result.length = sizeof *address;
        if (inet_pton(AF_INET6, plan.address.c_str(), &address->sin6_addr) == 1) return result;
    } else {
        auto* address = reinterpret_cast<sockaddr_in*>(&result.storage);
        address->sin_family = AF_INET;
        address->sin_port = htons(plan.port);
        result.length = sizeof *address;
        if (inet_pton(AF_INET, plan.address.c_str(), &address->sin_addr) == 1) return result;
    }
    return plain_error("the probe planned a malformed address: " + plan.address);
}

std::string advice(int error) {
    switch (error) {
        case EADDRINUSE:
            return " (another program listens there: see `ss -ltnp`)";
        case EADDRNOTAVAIL:
            return " (no interface of this machine has that address)";
        case EACCES:
            return " (only root may use ports below 1024)";
        default:
            return "";
    }
}

std::unexpected<Error> failed(const links::ListenPlan& plan, std::string_view doing) {
    const int error = errno;
    return std::unexpected(
        Error(error, plan.place + ": cannot " + std::string(doing), plan.text + advice(error)));
}

bool is_wildcard(const links::ListenPlan& plan) {
    return plan.address == (plan.ipv6 ? "::" : "0.0.0.0");
}

bool same_port(const links::ListenPlan& one, const links::ListenPlan& other) {
    return one.ipv6 == other.ipv6 && one.port == other.port;
}

bool overlap(const links::ListenPlan& one, const links::ListenPlan& other) {
    return same_port(one, other) && is_wildcard(one) != is_wildcard(other);
}

bool set_option(const UniqueFd& fd, int level, int name) {
    const int on = 1;
    return setsockopt(fd.get(), level, name, &on, sizeof on) == 0;
}

enum class Sharing : std::uint8_t { none, port };

// SO_REUSEADDR: on Linux it lets us bind while old connections linger, and never lets two
// listeners share a port. IPV6_V6ONLY: the plan has a listener of its own for IPv4.
Result<UniqueFd> bind_one(const links::ListenPlan& plan, Sharing sharing) {
    const auto address = socket_address(plan);
    if (!address) return address.error().pass();
    UniqueFd fd(
        socket(plan.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return failed(plan, "open a socket for");
    if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR) ||
        (plan.ipv6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
        (sharing == Sharing::port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT))) {
        return failed(plan, "set up a socket for");
    }
    if (bind(fd.get(), address->get(), address->length) != 0) return failed(plan, "listen on");
    return fd;
}

// A family or address that this machine does not have.
bool is_absent(const Error& error) {
    return error.code() == EAFNOSUPPORT || error.code() == EADDRNOTAVAIL;
}

const BoundListener* find(const std::vector<BoundListener>& listeners,
                          const links::ListenPlan& plan) {
    const auto found = std::ranges::find_if(
        listeners, [&plan](const BoundListener& one) { return same_address(one.plan, plan); });
    return found == listeners.end() ? nullptr : &*found;
}

Result<UniqueFd> share(const UniqueFd& fd) {
    UniqueFd copy(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return errno_error("share a listening socket");
    return copy;
}

// With those that overlap the new one already, if any.
Result<UniqueFd> bind_beside(const std::vector<BoundListener>& current,
                             const links::ListenPlan& plan) {
    Sharing sharing = Sharing::none;
    for (const BoundListener& one : current) {
        if (!overlap(one.plan, plan)) continue;
        sharing = Sharing::port;
        if (!set_option(one.socket, SOL_SOCKET, SO_REUSEPORT)) return failed(plan, "listen on");
    }
    return bind_one(plan, sharing);
}

// Specific listeners that a wildcard of the plan covers.
Status keep_covered(ListenerChange& change, const std::vector<BoundListener>& current,
                    const std::vector<links::ListenPlan>& plans) {
    for (const BoundListener& one : current) {
        if (is_wildcard(one.plan) || find(change.next, one.plan) != nullptr) continue;
        const auto wildcard = std::ranges::find_if(
            plans, [&one](const links::ListenPlan& plan) { return overlap(one.plan, plan); });
        if (wildcard == plans.end()) continue;
        auto socket = share(one.socket);
        if (!socket) return socket.error().pass();
        links::ListenPlan plan = one.plan;
        plan.tls = wildcard->tls;
        change.next.push_back({std::move(plan), std::move(*socket)});
    }
    return {};
}

int option(const UniqueFd& fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd.get(), level, name, &value, &length) == 0 ? value : -1;
}

// Where it is bound; false where that is no address of ours.
bool read_address(const UniqueFd& fd, links::ListenPlan& plan) {
    SocketAddress found;
    found.length = sizeof found.storage;
    auto* const address = reinterpret_cast<sockaddr*>(&found.storage);
    if (getsockname(fd.get(), address, &found.length) != 0) return false;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* binary = nullptr;
    if (address->sa_family == AF_INET6) {
        const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
        plan.ipv6 = true;
        plan.port = ntohs(six->sin6_port);
        binary = &six->sin6_addr;
        if (option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1) return false;
    } else if (address->sa_family == AF_INET) {
        const auto* four = reinterpret_cast<const sockaddr_in*>(address);
        plan.port = ntohs(four->sin_port);
        binary = &four->sin_addr;
    } else {
        return false;
    }
    if (inet_ntop(address->sa_family, binary, text.data(), text.size()) == nullptr) return false;
    plan.address = text.data();
    return true;
}

}  // namespace

bool same_address(const links::ListenPlan& one, const links::ListenPlan& other) {
    return same_port(one, other) && one.address == other.address;
}

std::optional<BoundListener> recognise_listener(std::string text, UniqueFd socket) {
    links::ListenPlan plan{.text = std::move(text), .place = "from an earlier process"};
    const bool listens = option(socket, SOL_SOCKET, SO_ACCEPTCONN) == 1 &&
                         option(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
    if (!listens || !read_address(socket, plan)) return {};
    return BoundListener{std::move(plan), std::move(socket)};
}

Result<ListenerChange> plan_listeners(const std::vector<BoundListener>& current,
                                      const std::vector<links::ListenPlan>& plans) {
    ListenerChange change;
    std::optional<Error> passed_over;
    for (const links::ListenPlan& plan : plans) {
        const BoundListener* const kept = find(current, plan);
        auto fd = kept != nullptr ? share(kept->socket) : bind_beside(current, plan);
        if (fd) {
            if (kept == nullptr) change.added.push_back(change.next.size());
            change.next.push_back({plan, std::move(*fd)});
        } else if (plan.if_available && is_absent(fd.error())) {
            passed_over = fd.error();
        } else {
            return fd.error().pass();
        }
    }
    if (change.next.empty() && passed_over) return passed_over->pass();
    if (const auto kept = keep_covered(change, current, plans); !kept) return kept.error().pass();
    for (const BoundListener& one : current) {
        if (find(change.next, one.plan) == nullptr) change.leaving.push_back(one.plan.text);
    }
    return change;
}

Status listen_on_added(const ListenerChange& change) {
    for (const std::size_t index : change.added) {
        const BoundListener& one = change.next[index];
        if (listen(one.socket.get(), SOMAXCONN) != 0) {
            return errno_error(one.plan.place + ": cannot listen on", one.plan.text);
        }
    }
    return {};
}

}  // namespace holdfast
