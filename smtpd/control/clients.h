// All connections to the control socket: how many there may be, and who gives way. No user can
// keep the others out: where there is no room left, whoever holds most gives up his stalest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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

  private:
    bool make_room_for(std::uint32_t uid);
    Client& stalest(std::uint32_t uid) const;
    static void turn_away(UniqueFd socket);
    void check_deadlines();
    void sweep_later();

    House& house_;
    Limits limits_;
    std::function<void()> on_empty_;
    std::vector<std::unique_ptr<Client>> clients_;  // closed ones until the turn's end
    Timer check_;
    bool sweeping_ = false;
    bool draining_ = false;
};

}  // namespace holdfast::control
