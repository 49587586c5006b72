#include "smtpd/parent/changes.h"

#include <map>
#include <string_view>

namespace holdfast {

namespace {

// A reply is a packet.
constexpr std::size_t max_changes = 100;
constexpr std::size_t max_change = 200;  // bytes

// Those of `some` that `others` do not have, or not as often.
void add_missing(std::vector<std::string>& changes, std::string_view mark,
                 const std::vector<std::string>& some, const std::vector<std::string>& others) {
    std::map<std::string_view, std::size_t> left;
    for (const std::string& one : others) ++left[one];
    for (const std::string& one : some) {
        const auto at = left.find(one);
        if (at != left.end() && at->second > 0) {
            --at->second;
        } else {
            changes.push_back(std::string(mark) + one);
        }
    }
}

}  // namespace

std::vector<std::string> statement_changes(const std::vector<std::string>& before,
                                           const std::vector<std::string>& after) {
    std::vector<std::string> changes;
    add_missing(changes, "- ", before, after);
    add_missing(changes, "+ ", after, before);
    if (changes.size() > max_changes) {
        const std::size_t more = changes.size() - max_changes;
        changes.resize(max_changes);
        changes.push_back("and " + std::to_string(more) + " more");
    }
    for (std::string& change : changes) {
        if (change.size() > max_change) change.resize(max_change);
    }
    return changes;
}

}  // namespace holdfast
