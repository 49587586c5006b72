// The requests of mtactl from one client, one at a time: puts them to the parent or to qmgr, and
// brings back what they say, no faster than the client reads. Whatever needs privilege goes with
// the client's own socket: whether it may is asked again where the act is done.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/links/control_client.h"

namespace holdfast::control {

class House;

class Request {
  public:
    // Ids in one request: what it becomes must fit into a packet.
    static constexpr std::size_t max_ids = 3000;

    // Its socket, and who it is.
    struct Client {
        int socket = -1;
        std::uint32_t uid = 0;
    };

    struct Callbacks {
        // Takes what the client gets; an Answer is the last.
        std::function<void(links::ControlToClient)> reply;
        // The parent has the client's socket and answers there: nothing more is said here.
        std::function<void()> on_passed;
    };
    Request(House& house, Client client, Callbacks callbacks);
    ~Request();
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // From the client.
    void on(links::StatusRequest&&);
    void on(links::ListRequest&&);
    void on(links::ShowRequest&& message);
    void on(links::RemoveRequest&& message);
    void on(links::FlushRequest&& message);
    void on(links::OrderRequest&& message);
    void on(links::AliasesRequest&&);
    // It has read what it got: more may follow.
    void on_drained();

    // The answer of the parent or of qmgr: of whoever was asked, once for each question.
    void on(links::StatusReply&& reply);
    void on(links::Done&& reply);
    void on(links::CountsReply&& reply);
    void on(links::ListItems&& page);
    void on(links::Text&& text);
    void on(links::Finished&& reply) { answer(reply.status, std::move(reply.text)); }
    void parent_left();
    void qmgr_left();

    // A status does not wait for a qmgr that hangs.
    void check_patience();

    bool busy() const { return waits_for_ != Waiting::nothing; }
    bool waits_for_parent() const { return waits_for_ == Waiting::parent; }

  private:
    enum class Waiting : std::uint8_t { nothing, parent, qmgr, client };

    template <class Query>
    bool prepare(Query& query);
    template <class Query>
    void ask_parent(Query query);
    template <class Query>
    void ask_qmgr(Query query);
    void ask_for_more();
    void answer(std::uint8_t status, std::string text);
    void finish_status(links::QueueCounts counts);
    bool has_too_many(const std::vector<MessageId>& ids);

    House& house_;
    Client client_;
    std::function<void(links::ControlToClient)> reply_;
    std::function<void()> on_passed_;
    Waiting waits_for_ = Waiting::nothing;
    std::uint64_t number_ = 0;                  // of the question
    std::optional<links::StatusReply> daemon_;  // of a status that still lacks the queue
    MonoTime counts_asked_{};
    MessageId listed_;  // the last id that was listed
    std::optional<MessageId> shown_;
    std::uint64_t offset_ = 0;
};

}  // namespace holdfast::control
