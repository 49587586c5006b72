// The parent: root, tiny, single-threaded. Binds, starts the rooms, hands over; parses not a byte
// from outside, asks no name service, speaks no protocol.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/parent/background.h"
#include "smtpd/parent/house.h"
#include "smtpd/parent/options.h"
#include "smtpd/parent/rehearsal.h"
#include "smtpd/parent/succession.h"

namespace holdfast {
namespace {

int complain(const Error& error, int status) {
    // An empty text: the probe has said everything.
    if (!error.text().empty()) std::fprintf(stderr, "smtpd: %s\n", error.text().c_str());
    return status;
}

std::string libexec_path(std::string_view name) {
    return std::string(paths::libexec) + "/" + std::string(name);
}

// smtpd -n: the probe does it all.
int check(const Options& options) {
    const std::string probe = libexec_path("probe");
    const char* config = options.config.c_str();
    if (options.config.empty()) {
        execl(probe.c_str(), "probe", "check", nullptr);
    } else {
        execl(probe.c_str(), "probe", "-f", config, "check", nullptr);
    }
    return complain(Error(errno, "execute", probe), EX_OSFILE);
}

// Standard descriptors that are closed would be taken by the first socket that is opened; number
// 3 is kept free for what one program leaves to the next.
void fill_low_fds() {
    while (true) {
        const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0 || fd > links::parent_fd) {
            if (fd >= 0) close(fd);
            return;
        }
        if (fd <= STDERR_FILENO) fcntl(fd, F_SETFD, 0);
    }
}

// What a process inherits and must not depend on.
void reset_process() {
    fill_low_fds();
    prctl(PR_SET_NAME, "smtpd");  // executed by descriptor, it would be a number
    umask(022);
    if (chdir("/") != 0) _exit(EX_OSERR);
    std::signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

void say_if_unprivileged(const Outfit& outfit) {
    if (outfit.privileged) return;
    log::warning("unprivileged", {{"uid", geteuid()},
                                  {"effect",
                                   "every room runs as this user and local mail reaches "
                                   "this user only"}});
}

// SIGTERM and SIGINT finish what is in hand, a second one cuts it; SIGHUP reads the configuration
// again, SIGUSR2 changes to the programs that are installed now; SIGUSR1 is the stop of a service
// manager that is about to start us again. `begin` is called when signals
// can come.
int live(Loop& loop, House& house, const std::function<void()>& begin) {
    bool asked = false;
    const auto stop = [&] {
        house.stop(std::exchange(asked, true) ? House::Stop::now : House::Stop::when_finished);
    };
    const SignalWatch on_terminate(loop, SIGTERM, stop);
    const SignalWatch on_interrupt(loop, SIGINT, stop);
    const SignalWatch on_hangup(loop, SIGHUP, [&] { house.want(Work::Task::reload); });
    const SignalWatch on_manager(loop, SIGUSR1, [&] { house.leave_rooms(); });
    const SignalWatch on_user(loop, SIGUSR2, [&] { house.want(Work::Task::restart); });
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    begin();
    const int status = loop.run();
    // The log has it too; but whoever started us may look here only.
    if (!house.failure().empty()) std::fprintf(stderr, "smtpd: %s\n", house.failure().c_str());
    return status;
}

const Image::Paths& program_paths() {
    static const Image::Paths result{paths::smtpd, paths::libexec};
    return result;
}

int serve(const Options& options, Background background, std::vector<InheritedFd> kept) {
    if (const auto made = make_run_directory(paths::run); !made) {
        return complain(made.error(), EX_OSFILE);
    }
    auto lock = lock_instance(paths::instance_lock);
    if (!lock) return complain(lock.error(), EX_UNAVAILABLE);
    auto image = Image::pin({"/proc/self/exe", paths::libexec});
    if (!image) return complain(image.error(), EX_OSFILE);
    Outfit outfit = make_outfit(std::move(*image));
    if (const auto made = make_run_directory(outfit.empty); !made) {
        return complain(made.error(), EX_OSFILE);
    }
    const LogSink sink = open_log_sink(options.foreground);
    outfit.log = sink.fd.get();
    outfit.log_form = sink.form;
    log::open(duplicate(sink.fd.get()), sink.form, "smtpd");
    say_if_unprivileged(outfit);
    Loop loop;
    House house(loop, {std::move(outfit), program_paths(), options.config, options.foreground,
                       std::move(*lock), std::move(kept)});
    return live(loop, house, [&] { house.start([&] { background.ready(); }); });
}

// What neither program knows of would be kept for ever, and every restart's trouble.
void close_strays(const std::vector<Stray>& strays, int fallback, int log) {
    for (const Stray& stray : strays) {
        if (stray.number == log) continue;
        if (stray.number == fallback) {
            fcntl(fallback, F_SETFD, FD_CLOEXEC);
            continue;
        }
        log::warning("stray-descriptor", {{"number", stray.number}, {"what", stray.target}});
        close(stray.number);
    }
}

// In place of another smtpd, whose process this is: the rooms are its children and ours.
int resume(const Options& options) {
    auto state = open_state(links::parent_fd);
    const Status usable = state ? check_state(*state) : Status(state.error().pass());
    if (!usable) {
        const Error error = fall_back(options.resumption, "rolled back: " + usable.error().text());
        return complain(error, EX_SOFTWARE);
    }
    const UniqueFd log(state->log.release());
    Outfit outfit = make_outfit(nullptr);
    outfit.log = log.get();
    outfit.log_form = state->log_form;
    const auto strays = stray_descriptors(links::parent_fd, *state);
    log::open(duplicate(log.get()), state->log_form, "smtpd");
    close_strays(strays, options.resumption.fallback, log.get());
    Loop loop;
    House house(loop, {std::move(outfit), program_paths(), state->config_option, state->foreground,
                       std::move(state->lock)});
    return live(loop, house, [&] {
        house.resume(std::move(*state), options.resumption);
        loop.post(resumed);
    });
}

// Whoever started us may have left some open, which would be ours for ever.
void close_others(const std::vector<InheritedFd>& kept) {
    unsigned first = links::parent_fd + 1;
    std::vector<unsigned> numbers;
    for (const InheritedFd& one : kept) numbers.push_back(static_cast<unsigned>(one.fd.get()));
    std::ranges::sort(numbers);
    for (const unsigned number : numbers) {
        if (number > first) close_range(first, number - 1, 0);
        first = number + 1;
    }
    close_range(first, ~0U, 0);
}

int run(int argc, char** argv) {
    const auto options = parse_options(argc, argv);
    if (!options) {
        std::fputs(options.error().text().c_str(), stderr);
        return EX_USAGE;
    }
    switch (options->task) {
        case Options::Task::help:
            std::fputs(help_text().c_str(), stdout);
            return EX_OK;
        case Options::Task::version:
            std::printf("holdfast %s\n", paths::version);
            return EX_OK;
        case Options::Task::check:
            return check(*options);
        case Options::Task::rehearse:
            reset_process();
            return rehearse();
        case Options::Task::resume:
            reset_process();
            return resume(*options);
        case Options::Task::serve:
            break;
    }
    auto kept = take_inherited_fds();
    reset_process();
    close_others(kept);
    if (options->foreground) return serve(*options, Background::none(), std::move(kept));
    auto background = Background::enter();
    if (!background) return complain(background.error(), EX_OSERR);
    return serve(*options, std::move(*background), std::move(kept));
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
    return holdfast::run(argc, argv);
}
