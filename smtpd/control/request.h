// The requests of mtactl from one client, one at a time: puts them to the parent or to qmgr, and
// brings back what they say, no faster than the client reads. Whatever needs privilege goes with
// the client's own socket: whether it is root is asked where the act is done.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "smtpd/control/house.h"
#include "smtpd/links/control_client.h"
#include "smtpd/loop/watch.h"

namespace holdfast::control {

class Request {
  public:
    // Ids in one request: what it becomes must fit into a packet.
    static constexpr std::size_t max_ids = 3000;

    // `reply` takes what the client gets; an Answer is the last. `client` is its socket.
    Request(House& house, int client, std::function<void(links::ControlToClient)> reply);
    ~Request();
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    void on(links::StatusRequest&&);
    void on(links::ListRequest&&);
    void on(links::ShowRequest&& message);
    void on(links::RemoveRequest&& message);
    void on(links::FlushRequest&& message);
    void on(links::StopRequest&& message);
    void on(links::AliasesRequest&&);

    // The client has read what it got: more may follow.
    void on_drained();

    bool busy() const { return busy_; }
    bool waits_for_parent() const { return at_parent_.has_value(); }

  private:
    void ask_qmgr(const std::function<links::ControlToQmgr(std::uint64_t)>& query,
                  QmgrLink::Callback callback);
    void ask_parent(const std::function<links::ControlToParent(std::uint64_t)>& query,
                    ParentLink::Callback callback);
    void answer(std::uint8_t status, std::string text);
    void answer_qmgr_gone();
    void on_daemon_status(ParentReply reply);
    void finish_status(links::QueueCounts counts);
    void finish_from_qmgr(QmgrReply reply);
    void finish_from_parent(ParentReply reply);
    void next_page();
    void on_page(QmgrReply reply);
    void next_text();
    void on_text(QmgrReply reply);
    std::optional<UniqueFd> client_socket();

    House& house_;
    int client_;
    std::function<void(links::ControlToClient)> reply_;
    bool busy_ = false;
    std::optional<std::uint64_t> at_qmgr_;
    std::optional<std::uint64_t> at_parent_;
    std::function<void()> when_drained_;
    Timer patience_;  // with a qmgr that does not answer
    links::StatusReply daemon_;
    MessageId listed_;  // the last id that was listed
    MessageId shown_;
    std::uint64_t offset_ = 0;
};

}  // namespace holdfast::control
