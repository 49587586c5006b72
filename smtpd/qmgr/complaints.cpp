#include "smtpd/qmgr/complaints.h"

#include <utility>

namespace holdfast::qmgr {

bool Complaints::worth_a_line(const std::string& name, Thing thing) {
    if (thing == Thing::lasting) {
        const bool known = known_.contains(name);
        if (!known && known_.size() == max_known) {
            ++unknowable_;
            return false;
        }
        known_.insert(name);
        met_.insert(name);
        if (known) return false;
    }
    if (told_ == max_single) {
        ++silent_;
        return false;
    }
    ++told_;
    return true;
}

// A name that a look has not met is gone: should it come again, that is news.
std::size_t Complaints::take_count() {
    std::erase_if(known_, [this](const std::string& name) { return !met_.contains(name); });
    met_.clear();
    told_ = 0;
    const std::size_t unknowable = std::exchange(unknowable_, 0);
    const bool same = unknowable == std::exchange(last_unknowable_, unknowable);
    return std::exchange(silent_, 0) + (same ? 0 : unknowable);
}

}  // namespace holdfast::qmgr
