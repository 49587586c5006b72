// The channel to qmgr, shared by all submissions, drop files and requests: sends for them, and
// hands each message that comes back to whom it belongs. Whoever has gone gets nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "smtpd/links/control_qmgr.h"
#include "smtpd/loop/channel.h"

namespace holdfast::control {

// What happens to a submission. All callbacks may withdraw it.
struct TransactionEvents {
    std::function<void(std::uint32_t bytes)> credit;
    std::function<void()> committed;
    std::function<void(const links::Refusal&)> rejected;
    std::function<void()> lost;     // qmgr has gone, and its channel with it
    std::function<void()> resumed;  // qmgr is there (again), or has caught up
};

// The answer to a request, or nothing where qmgr has gone.
using QmgrReply = std::variant<std::monostate, links::CountsReply, links::ListItems, links::Text,
                               links::Finished>;
using DropMessage = std::variant<links::DropBegin, links::DropBytes, links::DropEnd>;

class QmgrLink {
  public:
    struct Callbacks {
        std::function<void()> on_malformed;  // qmgr broke the protocol; its channel is closed
        std::function<void(DropMessage&&)> on_drop;
        std::function<void()> on_lost;  // after the transactions and requests were told
    };

    QmgrLink(Loop& loop, Callbacks callbacks);

    void attach(UniqueFd channel);
    bool present() const { return channel_.has_value(); }
    // More waits for qmgr than should: bring no more bodies.
    bool congested() const;

    // Dropped where qmgr is not present.
    void send(links::ControlToQmgr message);

    std::uint64_t enlist(TransactionEvents events);
    void dismiss(std::uint64_t transaction);

    // Sends what `query` makes of the request's number; `callback` is called once, later.
    using Callback = std::function<void(QmgrReply)>;
    std::uint64_t ask(const std::function<links::ControlToQmgr(std::uint64_t)>& query,
                      Callback callback);
    void withdraw(std::uint64_t request);

    // For the channel.
    void on(links::Credit&& message);
    void on(links::Committed&& message);
    void on(links::Rejected&& message);
    void on(links::DropBegin&& message) { callbacks_.on_drop(std::move(message)); }
    void on(links::DropBytes&& message) { callbacks_.on_drop(std::move(message)); }
    void on(links::DropEnd&& message) { callbacks_.on_drop(std::move(message)); }
    void on(links::CountsReply&& message) { reply(message.request, std::move(message)); }
    void on(links::ListItems&& message) { reply(message.request, std::move(message)); }
    void on(links::Text&& message) { reply(message.request, std::move(message)); }
    void on(links::Finished&& message) { reply(message.request, std::move(message)); }
    void on_end(ChannelEnd how);
    void on_drained() {
        if (was_congested_) tell_all_resumed();
    }

  private:
    void reply(std::uint64_t request, QmgrReply message);
    void tell_all_resumed();
    std::vector<std::uint64_t> transactions() const;

    Loop& loop_;
    Callbacks callbacks_;
    std::optional<Channel<links::ControlToQmgr, links::QmgrToControl>> channel_;
    std::unordered_map<std::uint64_t, TransactionEvents> transactions_;
    std::unordered_map<std::uint64_t, Callback> requests_;
    std::uint64_t last_number_ = 0;
    bool was_congested_ = false;
};

}  // namespace holdfast::control
