// Brings what sendmail left in drop/ to control, which makes submissions of it: one code path for
// both ways in. A file goes only after its message is in the queue, or when it never will be one.
//
// The folder is walked as often as something new is in it, and every minute: what was refused for
// now, or lost with control, is met again by a later walk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "queue/drop.h"
#include "smtpd/links/control_qmgr.h"
#include "smtpd/loop/folder_watch.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class DropPickup {
  public:
    static constexpr std::size_t max_in_hand = 4;  // files at once
    static constexpr Duration every = std::chrono::minutes(1);
    static constexpr Duration patience = std::chrono::minutes(5);  // with control, for one file

    struct Setup {
        queue::Drop drop;
        std::string folder;  // its path, to be watched
    };
    using Offer = std::function<void(links::DropBegin)>;

    // `offer` is called only while control is present.
    DropPickup(Loop& loop, Spool& spool, Setup setup, Offer offer);

    void start();
    // Offers nothing more; what was offered may still be finished.
    void drain();

    // control has come, or gone: then what was offered is offered again later.
    void connected();
    void disconnected();

    // Of control.
    void on(links::DropBad&& bad);

    // Of the intake: whose a file is that was offered, and how it ended (a code of 0: committed).
    std::optional<std::uint32_t> owner(std::uint64_t drop) const;
    void ended(std::uint64_t drop, const links::Refusal& refusal);

  private:
    struct File {
        MessageId id;
        std::uint32_t uid = 0;
        MonoTime since{};
    };
    struct Walk {
        std::shared_ptr<queue::Scan> scan;
        std::deque<MessageId> waiting;  // of the last batch
        bool reading = false;           // the next batch
        bool empty = true;              // of submissions, so far
        std::size_t stuck = 0;          // what cannot be moved out of drop/
        std::string why_stuck;          // the last of it
    };

    void look();
    void give_up_late_ones();
    void advance();
    void next_batch();
    void over(const Status& status);
    void trim_seen();
    void open(const MessageId& id);
    void opened(const MessageId& id, std::expected<queue::DropFile, queue::DropFailure> file);
    void refuse(const std::string& name, const std::string& why);
    void remove(std::uint64_t number, const File& file);
    void done(std::uint64_t number);

    Loop& loop_;
    Spool& spool_;
    std::shared_ptr<queue::Drop> drop_;
    std::string folder_;
    Offer offer_;
    std::unique_ptr<FolderWatch> watch_;
    Timer timer_;
    std::shared_ptr<Walk> walk_;
    bool look_again_ = false;
    std::size_t stuck_ = 0;  // as the last walk found
    std::map<std::uint64_t, File> in_hand_;
    std::uint64_t last_number_ = 0;
    std::size_t on_disk_ = 0;  // files that are being opened or put into quarantine/
    bool connected_ = false;
    bool draining_ = false;
    std::optional<MonoTime> last_trim_;
};

}  // namespace holdfast::qmgr
