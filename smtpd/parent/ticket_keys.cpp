#include "smtpd/parent/ticket_keys.h"

#include <algorithm>

#include <sys/random.h>

#include "smtpd/base/panic.h"

namespace holdfast {

namespace {

// Up to 256 bytes come whole, or not at all.
std::string random_key() {
    std::string key(TicketKeys::length, '\0');
    const ssize_t got = getrandom(key.data(), key.size(), 0);
    if (got != static_cast<ssize_t>(key.size())) panic("the kernel gives no random bytes");
    return key;
}

}  // namespace

void TicketKeys::renew(MonoTime now) {
    keys_.insert(keys_.begin(), random_key());
    if (keys_.size() > kept) keys_.resize(kept);
    made_ = now;
}

links::TicketKeysState TicketKeys::leave() const {
    return {keys_, made_.time_since_epoch().count()};
}

void TicketKeys::adopt(links::TicketKeysState state) {
    const bool usable = !state.keys.empty() && state.keys.size() <= kept &&
                        std::ranges::all_of(state.keys, [](const std::string& key) {
                            return key.size() == length;
                        });
    if (!usable) return;
    keys_ = std::move(state.keys);
    made_ = MonoTime(Duration(state.made));
}

}  // namespace holdfast
