#include "smtpd/smtpin/limits.h"

#include <algorithm>

#include "smtpd/base/panic.h"

namespace holdfast::smtpin {

std::size_t affordable_sessions(std::size_t wanted, std::size_t descriptors) {
    if (descriptors <= reserved_descriptors) return 1;
    return std::min(wanted, descriptors - reserved_descriptors);
}

Admission SessionCounter::enter(const ClientKey& client) {
    if (in_all_ >= max_in_all_) return Admission::too_many;
    const bool has_limit = client != this_machine;
    if (has_limit && open(client) >= max_per_client_) return Admission::too_many_from_client;
    ++in_all_;
    ++by_client_[client];
    return Admission::admitted;
}

std::size_t SessionCounter::open(const ClientKey& client) const {
    const auto found = by_client_.find(client);
    return found == by_client_.end() ? 0 : found->second;
}

void SessionCounter::leave(const ClientKey& client) {
    const auto found = by_client_.find(client);
    if (found == by_client_.end()) panic("a session left that had not been counted");
    --in_all_;
    if (--found->second == 0) by_client_.erase(found);
}

}  // namespace holdfast::smtpin
