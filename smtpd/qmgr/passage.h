// Whether mail gets through to one destination: how many transactions it takes at once, and when it
// is tried again after it took none. Pure.
//
// It begins with one transaction, and gets twice as many with each that it takes: a login that is
// refused is refused once, not by twenty connections at once, for which accounts are locked. One
// that turns a transaction away while it takes others has as many as it wants: it gets no more at
// once from then on, but for one in a hundred, to see.
//
// A destination that cannot be reached is tried again after a while, with one transaction; what
// waits for it is deferred meanwhile, each message after its own schedule. One that is closed by a
// failure of ours (a login that is refused, a certificate that is not trusted) is tried likewise,
// but nothing that waits for it is counted as tried (F45).
#pragma once

#include <cstddef>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/links/qmgr_relay.h"

namespace holdfast::qmgr {

class Passage {
  public:
    // From the first failure on, doubled each time up to the limit.
    static constexpr Duration first_pause = std::chrono::seconds(30);
    static constexpr Duration longest_pause = std::chrono::minutes(15);

    explicit Passage(std::size_t limit) : limit_(limit), ceiling_(limit) {}

    // Another transaction may begin.
    bool admits(MonoTime now) const;
    void begun() { ++running_; }
    struct Change {
        bool opened = false;  // it was closed, and is usable again
        bool broken = false;  // it was not, and is closed by a failure of ours
    };
    // A transaction has ended; `why` is for people.
    Change ended(links::Way way, const std::string& why, MonoTime now);
    // A transaction has ended without having shown anything.
    void given_back() { --running_; }

    // An administrator wants it to be tried now; what is under way began before he mended
    // anything, so that its failure is no reason to wait.
    void try_now() {
        pause_ends_ = {};
        wanted_now_ = running_ > 0;
    }

    links::Way way() const { return way_; }
    bool open() const { return way_ == links::Way::usable; }
    // Where it is not open: since when, why, and from when on it is tried.
    MonoTime since() const { return since_; }
    const std::string& why() const { return why_; }
    MonoTime pause_ends() const { return pause_ends_; }
    std::size_t running() const { return running_; }

  private:
    void raise();
    void close(links::Way way, const std::string& why, MonoTime now);

    static constexpr unsigned before_one_more = 100;

    std::size_t limit_;
    std::size_t ceiling_;  // what it has shown to take at once
    std::size_t slots_ = 1;
    unsigned taken_ = 0;  // since the ceiling was changed
    std::size_t running_ = 0;
    unsigned failures_ = 0;  // since it was open
    links::Way way_ = links::Way::usable;
    MonoTime since_{};
    MonoTime pause_ends_{};
    bool wanted_now_ = false;
    std::string why_;
};

}  // namespace holdfast::qmgr
