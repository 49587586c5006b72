#include "smtpd/parent/succession.h"

#include <csignal>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "smtpd/base/signals_blocked.h"
#include "smtpd/parent/admin.h"

namespace holdfast {

namespace {

Error execute(int program, const Resumption& resumption) {
    std::string attempt = std::to_string(resumption.attempt);
    std::string fallback = std::to_string(resumption.fallback);
    std::string failure = resumption.failure;
    char name[] = "smtpd";
    char resume[] = "--resume";
    char* argv[] = {name, resume, attempt.data(), fallback.data(), failure.data(), nullptr};
    // Until the new program's handlers stand any other would end the process.
    const SignalsBlocked blocked({SIGALRM});
    std::signal(SIGALRM, SIG_DFL);
    alarm(resume_seconds);
    execveat(program, "", argv, environ, AT_EMPTY_PATH);
    const int error = errno;
    alarm(0);
    return {error, "execute the new smtpd"};
}

}  // namespace

void resumed() {
    alarm(0);
}

Premises take_premises(links::ParentState& state) {
    Premises result;
    result.outfit = make_outfit(Image::adopt(std::move(state.successor)));
    result.outfit.log = state.log.get();
    result.outfit.log_form = state.log_form;
    result.outfit.generation = state.last_generation + 1;
    result.config = state.config_option;
    for (links::ListenerState& one : state.listeners) {
        result.listeners.push_back({std::move(one.plan), std::move(one.socket)});
    }
    return result;
}

Error become(const Executable& smtpd, const links::ParentState& state,
             const Resumption& resumption) {
    const auto sealed = seal_state(state);
    if (!sealed) return sealed.error();
    if (dup2(sealed->memfd.get(), links::parent_fd) < 0) {
        return {errno, "hand over the state"};
    }
    for (const int fd : sealed->descriptors) fcntl(fd, F_SETFD, 0);
    fcntl(resumption.fallback, F_SETFD, 0);
    return execute(smtpd.fd, resumption);
}

Status check_state(const links::ParentState& state) {
    if (state.generations.empty()) return plain_error("the state has no generation");
    if (state.order.task >= Work::task_limit) return plain_error("the state has an unknown task");
    for (const links::GenerationState& generation : state.generations) {
        if (generation.phase >= Generation::phase_limit) return plain_error("an unknown phase");
        for (const links::RoomState& room : generation.rooms) {
            if (room.state >= Resident::state_limit) return plain_error("an unknown state");
        }
    }
    return {};
}

Error fall_back(const Resumption& failed, const std::string& why) {
    // What cannot be read leaves nothing to be closed by mistake.
    static_cast<void>(leave_open(links::parent_fd));
    fcntl(failed.fallback, F_SETFD, FD_CLOEXEC);  // it is executed all the same
    return execute(failed.fallback, {2, -1, why});
}

}  // namespace holdfast
