// The queue as people see it: counts, lists, a message's file, removal, another try. What needs
// privilege is judged by the client's own socket.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "smtpd/links/control_qmgr.h"
#include "smtpd/qmgr/client_rights.h"
#include "smtpd/qmgr/deliveries.h"
#include "smtpd/qmgr/disk_health.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class Admin {
  public:
    // Messages of one page of a list: its answer fits into a frame whatever their recipients.
    static constexpr std::size_t page = 64;

    using Answer = std::variant<links::CountsReply, links::ListItems, links::Text, links::Finished>;
    // An answer may come after control has gone: `send` drops it then. All outlive this.
    Admin(Loop& loop, Spool& spool, DiskHealth& health, Deliveries& deliveries);

    Instance instance = Instance::system;
    std::function<void(Answer)> send;

    void on(links::CountsQuery&& query);
    void on(links::ListQuery&& query);
    void on(links::ShowQuery&& query);
    void on(links::RemoveQuery&& query);
    void on(links::FlushQuery&& query);

  private:
    struct Removal;

    void counted(std::uint64_t request, std::size_t quarantined);
    void listed(std::uint64_t request, const MessageId& after,
                const std::vector<queue::Message>& messages);
    links::QueueItem item_of(const MessageIndex::Item& item, const queue::Message& message) const;
    bool refused(std::uint64_t request, const UniqueFd& client);
    void finish(std::uint64_t request, int status, std::string text);

    Loop& loop_;
    Spool& spool_;
    DiskHealth& health_;
    Deliveries& deliveries_;
};

}  // namespace holdfast::qmgr
