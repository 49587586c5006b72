// One job of qmgr: reads the message through once, tries the relays in their order until one takes
// it, and says what came of each recipient.
//
//     scanning -> (reaching -> talking)* -> over
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/life.h"
#include "smtpd/links/qmgr_relay.h"
#include "smtpd/relay/approach.h"
#include "smtpd/relay/connection.h"
#include "smtpd/relay/outgoing_body.h"
#include "smtpd/relay/pool.h"
#include "smtpd/relay/pulled_body.h"

namespace holdfast::relay {

class Delivery {
  public:
    // What all deliveries need of the room. It outlives them.
    struct House {
        Means means;
        Pool& pool;
        std::function<void(links::RelayToQmgr)> tell;
        // The same, and it has left when this returns.
        std::function<void(links::RelayToQmgr)> tell_at_once;
    };

    // `on_over` is the last call, after Sent; never before the constructor has returned.
    Delivery(House& house, links::Send send, std::function<void()> on_over);

    void on(links::BodyBytes&& bytes);
    void on(links::Withdraw&& withdraw);

  private:
    enum class State : std::uint8_t { scanning, reaching, talking, over };

    void scan();
    void scanned(std::string_view piece);
    void try_next();
    void reach(links::RelayTls tls);
    void reached(std::expected<Approach::Arrived, Failure> arrived, links::RelayTls tls);
    void use(std::unique_ptr<Connection> connection);
    void begin();
    void bring(BodyForm form);
    void pump();
    void send_piece(std::string_view piece);
    void end_body();
    void finished(Transacted transacted);
    void ended(const Connection::Callbacks::End& end);
    void failed(const Failure& failure);
    void give_up();
    void refuse(const Obstacle& obstacle);
    void conclude(links::Sent sent);
    void release();

    std::uint32_t relay() const { return order_.at(tried_); }
    const links::RelayPlan& plan() const { return house_.means.config.relays.at(relay()); }
    Octets octets() const;
    Transaction transaction() const;

    House& house_;
    links::Send send_;
    std::function<void()> on_over_;
    State state_ = State::scanning;
    PulledBody body_;
    OutgoingScan scan_;
    MessageFacts facts_;
    std::vector<std::uint32_t> order_;  // of the relays
    std::size_t tried_ = 0;             // of them
    bool flushed_ = false;              // all of the body but its end has been given
    bool reused_ = false;               // the connection has served before
    bool secured_ = true;               // not the one that is tried again without TLS
    std::unique_ptr<Approach> approach_;
    std::unique_ptr<Connection> connection_;
    std::optional<OutgoingBody> outgoing_;
    std::vector<std::string> why_;
    links::Way way_ = links::Way::unreachable;
    std::string enhanced_;
    Life life_;
};

}  // namespace holdfast::relay
