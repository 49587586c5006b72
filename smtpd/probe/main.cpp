// The probe: the one process that reads configuration. Looks up who the rooms are, keeps a helper
// that can open the admin's files, gives up every privilege, and only then reads what is in them.
// Hands the parent a plan, or a person the reasons why there is none.
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/error.h"
#include "smtpd/base/write.h"
#include "smtpd/config/render.h"
#include "smtpd/confine/confine.h"
#include "smtpd/links/codec.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/probe/accounts.h"
#include "smtpd/probe/load.h"
#include "smtpd/probe/opener.h"
#include "smtpd/probe/options.h"
#include "smtpd/probe/summary.h"

namespace holdfast::probe {

namespace {

// Where _hfuser does not exist yet: the configuration is checked all the same.
constexpr std::uint32_t nobody = 65534;

constexpr const char* usage =
    "usage: probe [-f FILE] [--json] [check]\n"
    "  (started by smtpd; \"mtactl check\" is for people)\n";

int fail(const Error& error) {
    // Nowhere is left to say that even this could not be said.
    static_cast<void>(write_all(STDERR_FILENO, "probe: " + error.text() + "\n"));
    return error.code() != 0 ? EX_OSERR : EX_SOFTWARE;
}

std::string node_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

// The users room's identity: it is the one that may read what everyone may, and nothing more.
links::Start identity(const config::Accounts& accounts) {
    links::Start start;
    start.privileged = geteuid() == 0;
    start.uid = nobody;
    start.gid = nobody;
    for (const links::Identity& room : accounts.rooms) {
        const bool is_users = room.room == links::room_name(links::Room::users);
        if (is_users && room.uid != 0 && room.gid != 0) {
            start.uid = room.uid;
            start.gid = room.gid;
        }
    }
    return start;
}

Status report(const Options& options, const config::Diagnostics& diagnostics) {
    if (options.form == Form::json) return write_all(STDOUT_FILENO, to_json(diagnostics));
    return write_all(STDERR_FILENO, render(diagnostics));
}

Status deliver(const Options& options, const links::Plan& plan) {
    if (options.task == Task::plan) {
        return write_all(links::parent_fd, links::encode_struct(plan));
    }
    if (options.form == Form::json) return {};
    return write_all(STDOUT_FILENO, summary(plan));
}

// Without descriptor 3 there is nobody to hand a plan to, and the number would be taken for
// something else.
bool was_started_for(Task task) {
    return task == Task::check || fcntl(links::parent_fd, F_GETFD) >= 0;
}

int run(const Options& options) {
    Request request{options.file, node_name(), look_up_accounts(), real_clock()};
    const uid_t owner = geteuid();
    const links::Start start = identity(request.accounts.value);
    const auto opener = Opener::start();
    if (!opener) return fail(opener.error());
    if (const auto confined = confine(start, {}); !confined) return fail(confined.error());

    auto plan = load(AdminFiles(*opener, owner), std::move(request));
    if (const auto said = report(options, plan.diagnostics); !said) return fail(said.error());
    if (plan.diagnostics.has_errors()) return EX_CONFIG;
    if (const auto given = deliver(options, plan.value); !given) return fail(given.error());
    return EX_OK;
}

}  // namespace

}  // namespace holdfast::probe

int main(int argc, char** argv) {
    using namespace holdfast::probe;
    std::signal(SIGPIPE, SIG_IGN);
    const std::span<char*> all(argv, static_cast<std::size_t>(argc));
    const std::vector<const char*> words(all.begin() + (argc > 0), all.end());
    const auto options = parse_options(words);
    if (options && was_started_for(options->task)) return run(*options);
    std::fputs(usage, stderr);
    return EX_USAGE;
}
