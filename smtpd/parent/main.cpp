// The parent: root, tiny, single-threaded. Binds, starts the rooms, hands over; parses not a byte
// from outside, asks no name service, speaks no protocol.
#include <csignal>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/parent/background.h"
#include "smtpd/parent/house.h"
#include "smtpd/parent/options.h"
#include "smtpd/parent/spool_check.h"

namespace holdfast {
namespace {

int complain(const Error& error, int status) {
    // An empty text: the probe has said everything.
    if (!error.text().empty()) std::fprintf(stderr, "smtpd: %s\n", error.text().c_str());
    return status;
}

std::string room_path(std::string_view name) {
    return std::string(paths::libexec) + "/" + std::string(name);
}

// smtpd -n: the probe does it all.
int check(const Options& options) {
    const std::string probe = room_path("probe");
    const char* config = options.config.c_str();
    if (options.config.empty()) {
        execl(probe.c_str(), "probe", "check", nullptr);
    } else {
        execl(probe.c_str(), "probe", "-f", config, "check", nullptr);
    }
    return complain(Error(errno, "execute", probe), EX_OSFILE);
}

// Standard descriptors that are closed would be taken by the first socket that is opened.
void fill_standard_fds() {
    while (true) {
        const int fd = open("/dev/null", O_RDWR);
        if (fd < 0 || fd > STDERR_FILENO) {
            if (fd >= 0) close(fd);
            return;
        }
    }
}

// What a process inherits and must not depend on.
void reset_process() {
    fill_standard_fds();
    umask(022);
    if (chdir("/") != 0) _exit(EX_OSERR);
    std::signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

Result<links::Plan> read_config(Loop& loop, const ProbeRequest& request) {
    Result<links::Plan> plan = plain_error("the probe gave no answer");
    const ProbeRun run(loop, request, [&](ProbeAnswer answer) {
        plan = std::move(answer.plan);
        loop.stop();
    });
    loop.run();
    return plan;
}

Result<Outfit> make_outfit(const LogSink& sink) {
    Outfit outfit;
    outfit.libexec = paths::libexec;
    outfit.spool = paths::spool;
    outfit.empty = std::string(paths::run) + "/empty";
    outfit.privileged = geteuid() == 0;
    outfit.log = sink.fd.get();
    outfit.log_form = sink.form;
    if (const auto made = make_run_directory(outfit.empty); !made) return made.error().pass();
    return outfit;
}

void say_if_unprivileged(const Outfit& outfit) {
    if (outfit.privileged) return;
    log::warning("unprivileged", {{"uid", geteuid()},
                                  {"effect",
                                   "every room runs as this user and local mail reaches "
                                   "this user only"}});
}

// Who qmgr will be: smtpd's own user where that is not root.
Status check_spool_for(const links::Plan& plan) {
    links::Identity queue{"qmgr", geteuid(), getegid()};
    for (const links::Identity& room : plan.identities) {
        if (room.room == queue.room) queue = room;
    }
    return check_spool(paths::spool, queue);
}

// SIGTERM and SIGINT finish what is in hand, a second one cuts it; SIGHUP reads the aliases again.
int live(Loop& loop, House& house) {
    bool asked = false;
    const auto stop = [&] {
        house.stop(std::exchange(asked, true) ? House::Stop::now : House::Stop::when_finished);
    };
    const SignalWatch on_terminate(loop, SIGTERM, stop);
    const SignalWatch on_interrupt(loop, SIGINT, stop);
    const SignalWatch on_hangup(loop, SIGHUP,
                                [&] { house.reload_aliases([](const House::AliasNews&) {}); });
    if (const auto started = house.start(); !started) return complain(started.error(), EX_OSERR);
    const int status = loop.run();
    // The log has it too; but whoever started us may look here only.
    if (!house.failure().empty()) std::fprintf(stderr, "smtpd: %s\n", house.failure().c_str());
    return status;
}

int serve(const Options& options, Background background) {
    Loop loop;
    if (const auto made = make_run_directory(paths::run); !made) {
        return complain(made.error(), EX_OSFILE);
    }
    const auto lock = lock_instance(paths::instance_lock);
    if (!lock) return complain(lock.error(), EX_UNAVAILABLE);
    ProbeRequest probe{room_path("probe"), options.config};
    auto plan = read_config(loop, probe);
    if (!plan) return complain(plan.error(), plan.error().text().empty() ? EX_CONFIG : EX_OSERR);
    if (const auto usable = check_spool_for(*plan); !usable) {
        return complain(usable.error(), EX_OSFILE);
    }
    auto listeners = bind_listeners(plan->listeners);
    if (!listeners) return complain(listeners.error(), EX_UNAVAILABLE);

    const LogSink sink = open_log_sink(options.foreground);
    auto outfit = make_outfit(sink);
    if (!outfit) return complain(outfit.error(), EX_OSFILE);
    log::open(duplicate(sink.fd.get()), sink.form, "smtpd");
    say_if_unprivileged(*outfit);
    auto control = ControlSocket::publish(paths::control_socket);
    if (!control) return complain(control.error(), EX_OSFILE);
    House house(loop, {std::move(*outfit), std::move(probe), [&] { background.ready(); }},
                std::move(*plan), std::move(*listeners), std::move(*control));
    return live(loop, house);
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
        case Options::Task::serve:
            break;
    }
    reset_process();
    if (options->foreground) return serve(*options, Background::none());
    auto background = Background::enter();
    if (!background) return complain(background.error(), EX_OSERR);
    return serve(*options, std::move(*background));
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
    return holdfast::run(argc, argv);
}
