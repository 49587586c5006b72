#include "smtpd/loop/log_keeper.h"

#include "smtpd/base/log.h"

namespace holdfast {

namespace {

constexpr Duration ask_interval = std::chrono::seconds(1);

}  // namespace

LogKeeper::LogKeeper(Loop& loop, std::function<void()> ask) : loop_(loop), ask_(std::move(ask)) {
    log::when_lost([this] { lost(); });
}

LogKeeper::~LogKeeper() {
    log::when_lost({});
}

void LogKeeper::lost() {
    const MonoTime now = loop_.now();
    if (asked_ != MonoTime{} && now - asked_ < ask_interval) return;
    asked_ = now;
    loop_.post(life_.guard([this] { ask_(); }));
}

}  // namespace holdfast
