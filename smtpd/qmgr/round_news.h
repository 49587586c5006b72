// What an attempt has to tell people, in few lines however many recipients the message has. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "queue/verdict.h"

namespace holdfast::qmgr {

class RoundNews {
  public:
    // So many recipients are told one by one, of those that share a mailbox, or where there is none
    // a status; the others are counted.
    static constexpr std::size_t max_single = 20;

    struct Item {
        std::uint32_t recipient = 0;
        std::string target;
        Outcome outcome;
    };
    // `mailbox`: the user's; empty where it came to none.
    void add(std::string_view mailbox, Item item);

    // Those that have come since the last call.
    std::vector<Item> take() { return std::exchange(items_, {}); }

    struct Rest {
        std::string mailbox;
        Verdict verdict = Verdict::retry;
        std::string status;
        std::size_t recipients = 0;
    };
    // Those that were only counted. At the end.
    std::vector<Rest> take_rest();

  private:
    using Group = std::tuple<std::string, Verdict, std::string>;

    std::vector<Item> items_;
    std::map<Group, std::size_t> counts_;
};

}  // namespace holdfast::qmgr
