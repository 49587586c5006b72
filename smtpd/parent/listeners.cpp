#include "smtpd/parent/listeners.h"

#include <cstring>
#include <optional>

#include <arpa/inet.h>
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

// SO_REUSEADDR: on Linux it lets us bind while old connections linger, and never lets two
// listeners share a port. IPV6_V6ONLY: the plan has a listener of its own for IPv4.
Result<UniqueFd> bind_one(const links::ListenPlan& plan) {
    const auto address = socket_address(plan);
    if (!address) return address.error().pass();
    UniqueFd fd(
        socket(plan.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (!fd) return failed(plan, "open a socket for");
    if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (plan.ipv6 && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)) {
        return failed(plan, "set up a socket for");
    }
    if (bind(fd.get(), address->get(), address->length) != 0) return failed(plan, "listen on");
    return fd;
}

// A family or address that this machine does not have.
bool is_absent(const Error& error) {
    return error.code() == EAFNOSUPPORT || error.code() == EADDRNOTAVAIL;
}

}  // namespace

Result<std::vector<BoundListener>> bind_listeners(const std::vector<links::ListenPlan>& plans) {
    std::vector<BoundListener> bound;
    std::optional<Error> passed_over;
    for (const links::ListenPlan& plan : plans) {
        auto fd = bind_one(plan);
        if (fd) {
            bound.push_back({plan.text, std::move(*fd), plan.place});
        } else if (plan.if_available && is_absent(fd.error())) {
            passed_over = fd.error();
        } else {
            return fd.error().pass();
        }
    }
    if (bound.empty() && passed_over) return passed_over->pass();
    for (const BoundListener& listener : bound) {
        if (listen(listener.socket.get(), SOMAXCONN) != 0) {
            return errno_error(listener.place + ": cannot listen on", listener.address);
        }
    }
    return bound;
}

}  // namespace holdfast
