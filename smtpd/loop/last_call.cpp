#include "smtpd/loop/last_call.h"

#include <sys/stat.h>

namespace holdfast {

namespace {

// A removed file is nothing that could be waited for.
constexpr Duration between_looks = std::chrono::milliseconds(200);

}  // namespace

LastCall::LastCall(Loop& loop, UniqueFd life, std::function<void()> on_call)
    : life_(std::move(life)), on_call_(std::move(on_call)), timer_(loop, [this] { listen(); }) {}

void LastCall::listen() {
    struct stat facts{};
    if (!life_ || fstat(life_.get(), &facts) != 0) return;
    if (facts.st_nlink != 0) return timer_.set(between_looks);
    on_call_();
}

}  // namespace holdfast
