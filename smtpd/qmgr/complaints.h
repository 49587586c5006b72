// Keeps a folder that anybody may fill from filling the log too: each thing is named once, a few
// in each look at the folder, and the others are counted. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace holdfast::qmgr {

class Complaints {
  public:
    static constexpr std::size_t max_single = 20;     // names of one look
    static constexpr std::size_t max_known = 10'000;  // names that are remembered

    // Whether to say something about `name`, which has to be mentioned now. `lasting`: it may stay
    // where it is, and be met by every look.
    enum class Thing : unsigned char { passing, lasting };
    bool worth_a_line(const std::string& name, Thing thing);

    // At the end of a look: how many were not named; 0 where there is no news in that.
    std::size_t take_count();

  private:
    std::set<std::string> known_;
    std::set<std::string> met_;   // in this look, of those that last
    std::size_t told_ = 0;        // in this look
    std::size_t silent_ = 0;      // likewise, new ones
    std::size_t unknowable_ = 0;  // likewise, with no room to remember them
    std::size_t last_unknowable_ = 0;
};

}  // namespace holdfast::qmgr
