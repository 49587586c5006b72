#include "smtpd/loop/acceptor.h"

#include <cerrno>

#include <sys/socket.h>

#include "smtpd/base/error.h"
#include "smtpd/base/log.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

// Enough to be quick in a rush, few enough to let open sessions have their turn.
constexpr int accepts_per_turn = 32;

// More than any queue holds: a listener where connections come faster than they are taken is left
// all the same.
constexpr int accepts_at_the_end = 65'536;

// Out of descriptors the listener stays readable: without a rest this would spin (F23).
constexpr Duration rest_time = std::chrono::milliseconds(200);

}  // namespace

Acceptor::Acceptor(Loop& loop, UniqueFd listener, std::string address,
                   std::function<void(UniqueFd)> on_accept)
    : listener_(std::move(listener)),
      address_(std::move(address)),
      on_accept_(std::move(on_accept)),
      watch_(loop, listener_.get(), [this](FdWatch::Ready) { accept_some(accepts_per_turn); }),
      rest_timer_(loop, [this] { watch_.want_read(wanted_); }) {}

void Acceptor::want_connections(bool wanted) {
    wanted_ = wanted;
    if (!rest_timer_.pending()) watch_.want_read(wanted);
}

void Acceptor::take_waiting() {
    accept_some(accepts_at_the_end);
}

void Acceptor::accept_some(int most) {
    const auto alive = life_.token();
    for (int i = 0; i < most && wanted_; ++i) {
        UniqueFd connection(
            accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection) {
            // Everything else is the fault of one connection, which is gone (accept(2)).
            const bool exhausted =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (exhausted) rest(errno_text(errno));
            return;
        }
        on_accept_(std::move(connection));
        if (alive.expired()) return;
    }
}

void Acceptor::rest(const std::string& why) {
    log::warning_limited("accept-paused", {{"listener", address_}, {"reason", why}});
    watch_.want_read(false);
    rest_timer_.set(rest_time);
}

}  // namespace holdfast
