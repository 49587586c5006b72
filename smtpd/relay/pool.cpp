#include "smtpd/relay/pool.h"

#include <algorithm>
#include <utility>

namespace holdfast::relay {

std::unique_ptr<Connection> Pool::take(std::uint32_t relay) {
    const auto found = std::ranges::find_if(kept_, [relay](const Kept& one) {
        return one.relay == relay && !one.leaving && one.connection->idle();
    });
    if (found == kept_.end()) return nullptr;
    std::unique_ptr<Connection> connection = std::move(found->connection);
    kept_.erase(found);
    connection->serve({});
    return connection;
}

void Pool::keep(std::uint32_t relay, std::unique_ptr<Connection> connection) {
    const auto place = kept_.emplace(kept_.end());
    place->relay = relay;
    place->connection = std::move(connection);
    Connection::Callbacks callbacks;
    callbacks.on_end = [this, place](const Connection::Callbacks::End&) {
        kept_.erase(place);
        on_change_();
    };
    place->connection->serve(std::move(callbacks));
    place->timer = std::make_unique<Timer>(loop_, [this, place] { leave(place); });
    if (draining_ || place->connection->worn_out()) return leave(place);
    place->timer->set(linger);
}

void Pool::leave(Place place) {
    place->leaving = true;
    place->connection->quit();
}

std::vector<std::uint32_t> Pool::in_order(std::vector<std::uint32_t> relays) const {
    const MonoTime now = loop_.now();
    std::ranges::stable_partition(relays, [this, now](std::uint32_t relay) {
        const auto shun = shun_until_.find(relay);
        return shun == shun_until_.end() || shun->second <= now;
    });
    return relays;
}

void Pool::drain() {
    draining_ = true;
    for (auto place = kept_.begin(); place != kept_.end(); ++place) {
        if (!place->leaving) leave(place);
    }
}

}  // namespace holdfast::relay
