// The recipients of one submission: checked, given a domain, each once. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "queue/envelope.h"
#include "smtpd/base/error.h"

namespace holdfast::control {

class RecipientList {
  public:
    // Of one message; with max_bytes what a queue file's envelope can hold.
    static constexpr std::size_t max_count = max_recipients;
    static constexpr std::size_t max_bytes = 8 * 1024 * 1024;

    // `origin` is the domain of names without one.
    explicit RecipientList(std::string origin) : origin_(std::move(origin)) {}

    // Adds an address; one that is there already counts once, in its first spelling. Fails with
    // EINVAL where `text` is no address, E2BIG past the limits.
    Status add(std::string_view text);

    bool empty() const { return addresses_.empty(); }
    // What they take in memory, here and as parts of a transfer, roughly.
    std::size_t memory() const { return 2 * bytes_ + overhead * addresses_.size(); }

    const std::vector<std::string>& addresses() const { return addresses_; }

  private:
    static constexpr std::size_t overhead = 150;  // of an entry in both lists

    std::string origin_;
    std::vector<std::string> addresses_;
    std::unordered_set<std::string> known_;
    std::size_t bytes_ = 0;
};

}  // namespace holdfast::control
