// Brings what sendmail left in drop/ to control, which makes submissions of it: one code path for
// both ways in. A file goes only after its message is in the queue, or when it never will be one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/drop.h"
#include "smtpd/links/control_qmgr.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/drop_order.h"
#include "smtpd/qmgr/folder_watch.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class DropPickup {
  public:
    static constexpr std::size_t max_offered = 4;  // files at once
    static constexpr Duration every = std::chrono::minutes(1);
    static constexpr Duration patience = std::chrono::minutes(5);  // with control, for one file

    struct Setup {
        queue::Drop drop;
        std::string folder;  // its path, to be watched
        std::uint64_t max_file_bytes = 0;
    };
    using Offer = std::variant<links::DropBegin, links::DropBytes, links::DropEnd>;

    // `send` is asked only while control is present.
    DropPickup(Loop& loop, Spool& spool, Setup setup, std::function<void(Offer)> send);

    void start();
    // Offers nothing more; what was offered may still be finished.
    void drain();
    bool quiet() const { return offered_.empty(); }

    // control has come, or gone: then what was offered is offered again later.
    void connected();
    void disconnected();

    // Of control.
    void on(links::DropCredit&& credit);
    void on(links::DropBad&& bad);

    // Of the intake.
    std::optional<std::uint32_t> owner(std::uint64_t drop) const;
    void ended(std::uint64_t drop, const links::Refusal& refusal);

  private:
    struct Offered {
        MessageId id;
        std::uint32_t uid = 0;
        std::shared_ptr<queue::Slice> bytes;
        std::uint64_t offset = 0;
        std::uint64_t outstanding = 0;
        bool reading = false;
        bool all_sent = false;
        MonoTime since{};
    };

    void look();
    void next_batch(std::shared_ptr<queue::Scan> scan);
    void looked(bool whole);
    void classify(std::vector<MessageId> ids, std::function<void()> then);
    void offer_more();
    void offer(const MessageId& id);
    void opened(const MessageId& id, std::expected<queue::DropFile, queue::DropFailure> file);
    void pump(std::uint64_t number);
    void piece_read(std::uint64_t number, Result<std::string> piece);
    void not_taken(const MessageId& id, const queue::DropFailure& failure);
    void quarantine(const std::string& name, std::string why);
    void remove(const MessageId& id);
    void give_up_late_ones();
    void trim_seen();

    Loop& loop_;
    Spool& spool_;
    std::shared_ptr<queue::Drop> drop_;
    std::string folder_;
    std::uint64_t max_file_bytes_;
    std::function<void(Offer)> send_;
    std::unique_ptr<FolderWatch> watch_;
    Timer timer_;
    DropOrder order_;
    std::map<std::uint64_t, Offered> offered_;
    std::uint64_t last_number_ = 0;
    std::size_t opening_ = 0;
    bool started_ = false;
    bool connected_ = false;
    bool looking_ = false;
    bool look_again_ = false;
    bool draining_ = false;
    MonoTime last_trim_{};
};

}  // namespace holdfast::qmgr
