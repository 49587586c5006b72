// What clients may ask of the parent: status, stop, aliases. Sent on the room's one channel to it,
// which the room owns; the answers come back through here.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <variant>

#include "smtpd/links/parent_control.h"

namespace holdfast::control {

// Nothing where the parent has gone.
using ParentReply = std::variant<std::monostate, links::StatusReply, links::Done>;

class ParentLink {
  public:
    explicit ParentLink(std::function<void(links::ControlToParent)> send)
        : send_(std::move(send)) {}

    // Sends what `query` makes of the request's number; `callback` is called once, later.
    using Callback = std::function<void(ParentReply)>;
    std::uint64_t ask(const std::function<links::ControlToParent(std::uint64_t)>& query,
                      Callback callback);
    void withdraw(std::uint64_t request);

    void on_reply(std::uint64_t request, ParentReply reply);
    void on_lost();

  private:
    std::function<void(links::ControlToParent)> send_;
    std::unordered_map<std::uint64_t, Callback> requests_;
    std::uint64_t last_number_ = 0;
};

}  // namespace holdfast::control
