// Whether the disk takes mail: a full one is waited out, a failed one is not trusted again before
// qmgr starts anew.
#pragma once

#include <optional>
#include <string>

#include "smtpd/links/transfer.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class DiskHealth {
  public:
    // Accepting ends while so much is left: logs, seen/ and bounces need room too. It begins again
    // with twice as much, so that a disk on the edge does not fill the log too.
    static constexpr std::uint64_t reserved_bytes = 256 * 1024;
    static constexpr std::uint64_t reserved_files = 8;

    DiskHealth(Loop& loop, Spool& spool);

    // What is found on the disk may be believed.
    bool trusted() const { return state_ != State::failed; }

    // Why nothing is accepted now, if so.
    std::optional<links::Refusal> refusal() const;
    // The same for `mtactl status`; empty where all is well.
    std::string trouble() const;

    void committed();
    // The answer for whoever wanted to store something. Says so in the log where it means that
    // nothing is accepted any more, and only once.
    links::Refusal failed(const Error& error);
    // A sync failed: what the disk says from now on is not to be believed.
    links::Refusal lost_trust(const Error& error);

  private:
    enum class State : std::uint8_t { good, full, failed };

    void look();
    void looked(const Result<queue::Space>& space);
    void fill(std::string why);

    Loop& loop_;
    Spool& spool_;
    State state_ = State::good;
    std::string why_;
    Timer timer_;
    MonoTime last_look_{};
    bool looking_ = false;
};

}  // namespace holdfast::qmgr
