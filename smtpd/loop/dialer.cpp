#include "smtpd/loop/dialer.h"

#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "smtpd/base/error.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

using Blame = DialFailure::Blame;

bool is_starvation(int code) {
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

// EPERM is this machine's packet filter.
DialFailure connect_failure(int code) {
    return {code == EPERM ? Blame::ours : Blame::theirs, errno_text(code)};
}

// 0, or the errno of what stopped it. One that is connected at once says so as the others do.
int begin_connect(int socket, const SocketName& name) {
    if (connect(socket, name.get(), name.length) == 0) return 0;
    return errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

int pending_error(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Dialer::Dialer(Loop& loop, Target target, std::function<void(Outcome)> callback)
    : loop_(loop),
      target_(std::move(target)),
      callback_(std::move(callback)),
      race_(target_.addresses, loop.now(), target_.limit),
      attempts_(race_.order().size()),
      timer_(loop, [this] { go_on(); }) {
    timer_.set(Duration::zero());
}

Dialer::~Dialer() = default;

void Dialer::go_on() {
    const MonoTime now = loop_.now();
    while (const auto place = race_.next(now)) begin(*place);
    if (race_.lost(now)) return finish(std::unexpected(race_.account(target_.port)));
    timer_.set(race_.wake() - now);
}

const std::optional<IpAddress>& Dialer::source_for(const IpAddress& address) const {
    return address.family() == IpAddress::Family::ipv4 ? target_.source4 : target_.source6;
}

void Dialer::begin(std::size_t place) {
    const MonoTime now = loop_.now();
    const IpAddress& address = race_.order()[place];
    const SocketName name(address, target_.port);
    UniqueFd socket(::socket(name.domain(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        const int code = errno;
        if (is_starvation(code)) return race_.starved(place, errno_text(code), now);
        return race_.family_failed(place, connect_failure(code), now);
    }
    if (const auto& source = source_for(address)) {
        const SocketName from(*source, 0);
        if (bind(socket.get(), from.get(), from.length) != 0) {
            const std::string why = "from " + source->text() + ": " + errno_text(errno);
            return race_.family_failed(place, {Blame::ours, why}, now);
        }
    }
    if (const int code = begin_connect(socket.get(), name); code != 0) {
        return race_.failed(place, connect_failure(code), now);
    }
    on_begun(place, std::move(socket));
}

void Dialer::on_begun(std::size_t place, UniqueFd socket) {
    Attempt& attempt = attempts_[place];
    attempt.socket = std::move(socket);
    attempt.watch = std::make_unique<FdWatch>(loop_, attempt.socket.get(),
                                              [this, place](FdWatch::Ready) { on_ready(place); });
    attempt.watch->want_write(true);
}

void Dialer::on_ready(std::size_t place) {
    Attempt attempt = std::exchange(attempts_[place], {});
    attempt.watch.reset();
    if (const int code = pending_error(attempt.socket.get()); code != 0) {
        race_.failed(place, connect_failure(code), loop_.now());
        return go_on();
    }
    finish(Connection{std::move(attempt.socket), race_.order()[place]});
}

void Dialer::finish(Outcome outcome) {
    timer_.cancel();
    attempts_.clear();
    const auto callback = std::move(callback_);
    callback(std::move(outcome));
}

}  // namespace holdfast
