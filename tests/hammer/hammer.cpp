// Loads a mail server with connections that come and go at a fixed rate and with sessions that are
// held open in every state, and says what became of each: what was refused, what was cut, how long
// a client waited for its banner. A server that is restarted meanwhile should not show in it.
//
//     hammer ADDRESS PORT [OPTION VALUE]...
//
//     --rate N          short connections a second (banner, QUIT), whether the server keeps up or
//                       not; --tls-rate N: likewise, through STARTTLS
//     --control PATH --control-rate N
//                       questions a second at the control socket, each on a connection of its own
//     --mail N          clients that send one message after another, a connection each
//     --held N          sessions that pause, up to --hold SECONDS, once in each state that a
//                       session has; --tls-held N: likewise, under TLS
//     --to RECIPIENT    of all messages
//
// Runs until SIGTERM, then lets what is open come to its end, and prints one JSON object.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/json.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/control_client.h"
#include "tests/hammer/client.h"

namespace holdfast::hammer {
namespace {

struct Options {
    std::string address;
    std::uint16_t port = 0;
    std::string control;
    unsigned rate = 0;
    unsigned tls_rate = 0;
    unsigned control_rate = 0;
    unsigned mail = 0;
    unsigned held = 0;
    unsigned tls_held = 0;
    double hold = 5;
    std::string to = "bob";
};

// What is asked at the control socket: how the daemon is.
std::vector<Step> question() {
    links::Encoder frame;
    frame.put_frame(links::ClientToControl(links::StatusRequest{}));
    std::string packet;
    append_frame(packet, frame.bytes);
    return {{packet, 1}};
}

class Hammer {
  public:
    explicit Hammer(Options options);
    int run();

  private:
    struct Stream {
        Kind kind = Kind::knock;
        unsigned rate = 0;  // a second
        double owed = 0;    // that are due
    };

    Tally& tally(Kind kind) { return tallies_.at(static_cast<std::size_t>(kind)); }
    double random_pause() {
        return std::uniform_real_distribution<double>(0, options_.hold)(random_);
    }
    std::string next_name() { return prefix_ + std::to_string(++names_); }
    std::vector<Step> steps(Kind kind, const std::string& name);
    UniqueFd connect_tcp(int& error);
    UniqueFd connect_control(int& error) const;
    void start(Kind kind);
    void watch(int fd, void* owner) const;
    void on_tick();
    void sweep();
    void print() const;

    Options options_;
    UniqueFd epoll_;
    UniqueFd timer_;
    UniqueFd signals_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::array<Tally, kind_names.size()> tallies_;
    std::array<Stream, 3> streams_;
    Time begun_;
    Time last_tick_;
    std::mt19937_64 random_{std::random_device{}()};
    std::string prefix_ = "h" + std::to_string(random_() % 100000000) + "-";
    std::uint64_t names_ = 0;
    std::uint32_t sources_ = 0;
    bool stopping_ = false;
};

Hammer::Hammer(Options options)
    : options_(std::move(options)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)),
      streams_{Stream{Kind::knock, options_.rate}, Stream{Kind::tls_knock, options_.tls_rate},
               Stream{Kind::control, options_.control_rate}} {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    signals_.reset(signalfd(-1, &ends, SFD_CLOEXEC));
    const itimerspec tick{{0, 2'000'000}, {0, 2'000'000}};
    timerfd_settime(timer_.get(), 0, &tick, nullptr);
    watch(timer_.get(), &timer_);
    watch(signals_.get(), &signals_);
}

void Hammer::watch(int fd, void* owner) const {
    epoll_event event{EPOLLIN, {}};
    event.data.ptr = owner;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

std::vector<Step> Hammer::steps(Kind kind, const std::string& name) {
    switch (kind) {
        case Kind::knock:
            return knock(Security::plain);
        case Kind::tls_knock:
            return knock(Security::starttls);
        case Kind::mail:
            return mail(options_.to, name);
        case Kind::held:
            return held(Security::plain, options_.to, name, random_pause());
        case Kind::tls_held:
            return held(Security::starttls, options_.to, name, random_pause());
        case Kind::control:
            break;
    }
    return question();
}

// Each connection comes from an address of its own: no limit for one client is met, and ports that
// rest in TIME_WAIT are not missed.
UniqueFd Hammer::connect_tcp(int& error) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(0x7f010000 + ++sources_ % 0x100000);
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr);
    const int done = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    error = done == 0 || errno == EINPROGRESS ? 0 : errno;
    return fd;
}

UniqueFd Hammer::connect_control(int& error) const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options_.control.copy(address.sun_path, sizeof address.sun_path - 1);
    const int done = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    error = done == 0 ? 0 : errno;
    return fd;
}

void Hammer::start(Kind kind) {
    int error = 0;
    UniqueFd fd = kind == Kind::control ? connect_control(error) : connect_tcp(error);
    const int number = fd.get();
    const std::string name = next_name();
    if (error != 0) {
        Tally& told = tally(kind);
        ++told.begun;
        ++told.refused;
        return told.complain(std::string("connect: ") + std::strerror(error));
    }
    clients_.push_back(std::make_unique<Client>(
        tally(kind), Client::Task{kind, steps(kind, name), name}, std::move(fd)));
    watch(number, clients_.back().get());
}

void Hammer::on_tick() {
    const Time time = now();
    for (Stream& stream : streams_) {
        if (stopping_) break;
        stream.owed += Seconds(time - last_tick_).count() * stream.rate;
        for (; stream.owed >= 1; stream.owed -= 1) start(stream.kind);
    }
    last_tick_ = time;
    for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i]->on_time(time);
    sweep();
}

// Those that have ended give their places to new ones.
void Hammer::sweep() {
    std::erase_if(clients_, [](const auto& client) { return client->ended(); });
    if (stopping_) return;
    std::array<unsigned, kind_names.size()> living{};
    for (const auto& client : clients_) ++living.at(static_cast<std::size_t>(client->kind()));
    const auto keep = [&](Kind kind, unsigned wanted) {
        for (unsigned i = living.at(static_cast<std::size_t>(kind)); i < wanted; ++i) start(kind);
    };
    keep(Kind::mail, options_.mail);
    keep(Kind::held, options_.held);
    keep(Kind::tls_held, options_.tls_held);
}

int Hammer::run() {
    begun_ = last_tick_ = now();
    sweep();
    std::array<epoll_event, 256> events{};
    while (!stopping_ || !clients_.empty()) {
        const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
        for (int i = 0; i < count; ++i) {
            void* const owner = events.at(static_cast<std::size_t>(i)).data.ptr;
            if (owner == &signals_) {
                stopping_ = true;
                epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, signals_.get(), nullptr);
            } else if (owner == &timer_) {
                std::uint64_t ticks = 0;
                [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &ticks, sizeof ticks);
            } else {
                static_cast<Client*>(owner)->on_ready();
            }
        }
        on_tick();
    }
    print();
    return 0;
}

std::string tally_json(const Tally& tally) {
    std::vector<double> waits = tally.waits;
    std::ranges::sort(waits);
    const auto at = [&](double part) {
        if (waits.empty()) return std::string("0");
        const auto index = static_cast<std::size_t>(part * static_cast<double>(waits.size() - 1));
        return std::to_string(waits[index]);
    };
    JsonObject object;
    object.number("begun", tally.begun);
    object.number("done", tally.done);
    object.number("refused", tally.refused);
    object.number("cut", tally.cut);
    object.number("wrong", tally.wrong);
    object.number("unanswered", tally.unanswered);
    object.raw("how", json_strings(tally.how));
    object.raw("accepted", json_strings(tally.accepted));
    object.raw("unknown", json_strings(tally.unknown));
    object.raw("p50_ms", at(0.5));
    object.raw("p99_ms", at(0.99));
    object.raw("p999_ms", at(0.999));
    object.raw("max_ms", at(1));
    object.raw("longest_gap_ms", std::to_string(tally.longest_gap));
    return object.json();
}

void Hammer::print() const {
    JsonObject object;
    object.raw("seconds", std::to_string(Seconds(now() - begun_).count()));
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
        if (tallies_[i].begun > 0) object.raw(kind_names[i], tally_json(tallies_[i]));
    }
    std::puts(object.json().c_str());
}

template <class Number>
bool read_number(std::string_view word, Number& value) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size();
}

bool read_option(std::string_view name, std::string_view value, Options& options) {
    if (name == "--rate") return read_number(value, options.rate);
    if (name == "--tls-rate") return read_number(value, options.tls_rate);
    if (name == "--control-rate") return read_number(value, options.control_rate);
    if (name == "--mail") return read_number(value, options.mail);
    if (name == "--held") return read_number(value, options.held);
    if (name == "--tls-held") return read_number(value, options.tls_held);
    if (name == "--hold") return read_number(value, options.hold);
    if (name == "--to") return !(options.to = value).empty();
    return name == "--control" && !(options.control = value).empty();
}

bool parse(std::span<char*> words, Options& options) {
    if (words.size() < 3 || words.size() % 2 == 0 || !read_number(words[2], options.port)) {
        return false;
    }
    options.address = words[1];
    for (std::size_t i = 3; i < words.size(); i += 2) {
        if (!read_option(words[i], words[i + 1], options)) return false;
    }
    return true;
}

}  // namespace
}  // namespace holdfast::hammer

int main(int argc, char** argv) {
    using namespace holdfast::hammer;
    Options options;
    if (!parse({argv, static_cast<std::size_t>(argc)}, options)) {
        std::fputs("usage: hammer ADDRESS PORT [OPTION VALUE]...: see its first lines\n", stderr);
        return 64;
    }
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return Hammer(std::move(options)).run();
}
