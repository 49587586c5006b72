// Sends mail to other servers. Sees no file: secrets, certificates and the resolver's files come
// from the parent as open files. Takes its work from qmgr, which believes it nothing but what came
// of its own jobs; talks to servers that may wish us ill.
#pragma once

#include <map>
#include <memory>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_relay.h"
#include "smtpd/links/qmgr_relay.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/last_call.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/relay/delivery.h"

namespace holdfast::relay {

Confinement confinement();

class Room {
  public:
    Room(Loop& loop, Entry<links::RelaySnapshot> entry,
         std::shared_ptr<const tls::CryptoLibrary> library);

    // The parent.
    void on(links::Start&& start);
    void on(links::Peer&& peer);
    void on(links::Go&&) { parent_.send(links::Serving{}); }
    void on(links::Drain&& drain);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on(links::File&& file) { files_.on(std::move(file)); }
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    // The channel to qmgr has its own end.
    struct Queue {
        Room& room;
        void on(links::Send&& send) { room.deliver(std::move(send)); }
        void on(links::BodyBytes&& bytes) { room.pass(std::move(bytes)); }
        void on(links::Withdraw&& withdraw) { room.pass(std::move(withdraw)); }
        void on_end(ChannelEnd how) { room.queue_left(how); }
    };

    void deliver(links::Send send);
    template <class Message>
    void pass(Message&& message) {
        const auto found = deliveries_.find(message.job);
        if (found != deliveries_.end()) found->second->on(std::forward<Message>(message));
    }
    void over(std::uint64_t job);
    void queue_left(ChannelEnd how);
    void drain();
    void stop_if_done();

    Loop& loop_;
    links::RelaySnapshot config_;
    Channel<links::RelayToParent, links::ParentToRelay> parent_;
    LogKeeper log_keeper_;
    Queue queue_end_{*this};
    std::unique_ptr<Channel<links::RelayToQmgr, links::QmgrToRelay>> queue_;
    Files files_;
    Names names_;
    TrustStore trust_;
    Pool pool_;
    Delivery::House house_;
    std::map<std::uint64_t, std::unique_ptr<Delivery>> deliveries_;  // by job
    LastCall last_call_;
    bool draining_ = false;
};

}  // namespace holdfast::relay
