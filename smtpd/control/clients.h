// All connections to the control socket: how many there may be, and who gives way. No user can
// keep the others out: where there is no room left, whoever holds most gives up his stalest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "smtpd/control/client.h"

namespace holdfast::control {

class Clients {
  public:
    struct Limits {
        std::size_t clients = 400;
        std::size_t reserved_for_root = 16;  // beyond `clients`, so that mtactl always gets in
    };

    // `on_empty` is called when draining is done.
    Clients(House& house, Limits limits, std::function<void()> on_empty);

    void accept(UniqueFd socket);

    // Lets every client finish what is in hand.
    void drain();

    std::size_t size() const { return clients_.size(); }

  private:
    using Number = std::uint64_t;

    bool make_room_for(std::uint32_t uid);
    Client* stalest(std::uint32_t uid) const;
    std::uint32_t heaviest() const;
    void remove(Number number);
    void bury();
    void log_refusal(std::uint32_t uid);

    House& house_;
    Limits limits_;
    std::function<void()> on_empty_;
    std::unordered_map<Number, std::unique_ptr<Client>> clients_;
    std::unordered_map<std::uint32_t, std::size_t> shares_;  // by uid; never 0
    std::vector<std::unique_ptr<Client>> over_;  // until the turn's end: they may be on the stack
    Number last_number_ = 0;
    bool draining_ = false;
    MonoTime last_refusal_{};
};

}  // namespace holdfast::control
