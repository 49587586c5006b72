// Connections that have just served, kept for a moment for the next message of the same way; and
// which relays have failed lately, so that those behind them are tried first meanwhile.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "smtpd/base/life.h"
#include "smtpd/relay/connection.h"

namespace holdfast::relay {

class Pool {
  public:
    static constexpr Duration linger = std::chrono::seconds(2);
    static constexpr Duration shunned = std::chrono::seconds(30);

    Pool(Loop& loop, std::function<void()> on_change)
        : loop_(loop), on_change_(std::move(on_change)) {}

    // An idle one, or none.
    std::unique_ptr<Connection> take(std::uint32_t relay);
    void keep(std::uint32_t relay, std::unique_ptr<Connection> connection);

    // The same relays, those that failed lately behind the others.
    std::vector<std::uint32_t> in_order(std::vector<std::uint32_t> relays) const;
    void failed(std::uint32_t relay) { shun_until_[relay] = loop_.now() + shunned; }
    void worked(std::uint32_t relay) { shun_until_.erase(relay); }

    // Nothing is kept any more: what is here says goodbye.
    void drain();
    bool empty() const { return kept_.empty(); }

  private:
    struct Kept {
        std::uint32_t relay = 0;
        std::unique_ptr<Connection> connection;
        std::unique_ptr<Timer> timer;
        bool leaving = false;
    };
    using Place = std::list<Kept>::iterator;

    void leave(Place place);

    Loop& loop_;
    std::function<void()> on_change_;
    std::list<Kept> kept_;
    std::map<std::uint32_t, MonoTime> shun_until_;
    bool draining_ = false;
    Life life_;
};

}  // namespace holdfast::relay
