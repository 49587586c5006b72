// A list with commas between its items, as people write it over one word or many: "a,b", "a, b",
// "a ,b", "a , b". Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "smtpd/config/lexer.h"

namespace holdfast::config {

class CommaList {
  public:
    // The next word of the line; where no item is wanted it has to begin with a comma.
    std::optional<Fault> add(const Word& word);

    // At first, and behind a comma: an item has to follow.
    bool wants_more() const { return wants_more_; }
    // Each with its own place in the line.
    const std::vector<Word>& items() const { return items_; }

  private:
    void add_item(const Word& word, std::string_view piece);

    std::vector<Word> items_;
    bool wants_more_ = true;
};

}  // namespace holdfast::config
