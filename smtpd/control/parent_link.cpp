#include "smtpd/control/parent_link.h"

#include <utility>

namespace holdfast::control {

std::uint64_t ParentLink::ask(const std::function<links::ControlToParent(std::uint64_t)>& query,
                              Callback callback) {
    const std::uint64_t number = ++last_number_;
    requests_.emplace(number, std::move(callback));
    send_(query(number));
    return number;
}

void ParentLink::withdraw(std::uint64_t request) {
    requests_.erase(request);
}

void ParentLink::on_reply(std::uint64_t request, ParentReply reply) {
    const auto found = requests_.find(request);
    if (found == requests_.end()) return;
    const Callback callback = std::move(found->second);
    requests_.erase(found);
    callback(std::move(reply));
}

void ParentLink::on_lost() {
    for (auto& [number, callback] : std::exchange(requests_, {})) callback(std::monostate());
}

}  // namespace holdfast::control
