#include "smtpd/config/comma_list.h"

namespace holdfast::config {

std::optional<Fault> CommaList::add(const Word& word) {
    std::string_view rest = word.text;
    if (rest.empty()) add_item(word, rest);
    while (!rest.empty()) {
        const std::string_view piece = rest.substr(0, rest.find(','));
        if (!piece.empty()) add_item(word, piece);
        rest.remove_prefix(piece.size());
        if (rest.empty()) break;
        const Word comma = part_of(word, rest.substr(0, 1));
        if (wants_more_)
            return fault_of(comma, "nothing in front of this comma", "one comma between two");
        wants_more_ = true;
        rest.remove_prefix(1);
    }
    return std::nullopt;
}

void CommaList::add_item(const Word& word, std::string_view piece) {
    items_.push_back(part_of(word, piece));
    wants_more_ = false;
}

}  // namespace holdfast::config
