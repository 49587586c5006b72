#include "smtpd/qmgr/passage.h"

#include <algorithm>
#include <utility>

namespace holdfast::qmgr {

bool Passage::admits(MonoTime now) const {
    if (open()) return running_ < slots_;
    return running_ == 0 && now >= pause_ends_;
}

Passage::Change Passage::ended(links::Way way, const std::string& why, MonoTime now) {
    --running_;
    const links::Way before = way_;
    if (way == links::Way::usable) {
        way_ = way;
        failures_ = 0;
        wanted_now_ = false;
        raise();
        return {before != way, false};
    }
    // It may only have had enough of us: others are still under way.
    ceiling_ = running_ == 0 ? limit_ : running_;
    slots_ = std::max<std::size_t>(1, running_);
    taken_ = 0;
    if (way == links::Way::broken || running_ == 0) close(way, why, now);
    return {false, way_ == links::Way::broken && before != way_};
}

void Passage::raise() {
    if (ceiling_ < limit_ && ++taken_ == before_one_more) {
        ++ceiling_;
        taken_ = 0;
    }
    slots_ = std::min(ceiling_, slots_ * 2);
}

void Passage::close(links::Way way, const std::string& why, MonoTime now) {
    if (way_ != way) since_ = now;
    way_ = way;
    why_ = why;
    if (std::exchange(wanted_now_, false)) return;
    Duration pause = first_pause;
    for (unsigned i = 0; i < failures_ && pause < longest_pause; ++i) pause *= 2;
    pause_ends_ = now + std::min(pause, longest_pause);
    ++failures_;
}

}  // namespace holdfast::qmgr
