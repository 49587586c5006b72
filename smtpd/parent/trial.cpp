#include "smtpd/parent/trial.h"

#include <array>
#include <csignal>

#include <sys/mman.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "smtpd/parent/outfit.h"

namespace holdfast {

Trial::Trial(Loop& loop, Executable program, std::function<void(Status)> done)
    : loop_(loop),
      program_(std::move(program)),
      done_(std::move(done)),
      words_(memfd_create("words", MFD_CLOEXEC)),
      deadline_(loop, [this] { process_->kill(SIGKILL); }) {
    if (const auto started = start(); !started) {
        loop_.post([done = done_, error = started.error()] { done(error.pass()); });
    }
}

Trial::~Trial() {
    if (process_) process_->kill(SIGKILL);
}

Status Trial::start() {
    if (!words_) return errno_error("try", program_.path);
    auto channel = make_channel();
    if (!channel) return channel.error().pass();
    channel->first.reset();
    auto process = Process::start(
        loop_,
        {program_, {"smtpd: trial"}, channel->second.get(), words_.get(), {}, Pace::gives_way},
        [this](const Ending& ending) { ended(ending); });
    if (!process) return process.error().pass();
    process_ = std::move(*process);
    deadline_.set(limit);
    return {};
}

void Trial::ended(const Ending& ending) {
    const auto done = done_;
    if (ending.signal == 0 && !ending.not_executed()) return done({});
    std::array<char, 500> words{};
    const ssize_t length = pread(words_.get(), words.data(), words.size(), 0);
    std::string why(words.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    why.resize(std::min(why.size(), why.find('\n')));
    if (why.empty()) why = ending.text();
    done(plain_error("the program " + program_.path + " does not work here: " + why));
}

}  // namespace holdfast
