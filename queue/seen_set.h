// A compact set of submissions: 21 bytes a place, at most three quarters full. Ids are chosen by
// local users, so places are found by a hash whose key nobody knows.
#pragma once

#include <cstdint>
#include <vector>

#include "smtpd/base/message_id.h"

namespace holdfast::queue {

// What makes a local submission the same as another.
struct Submission {
    std::uint32_t uid = 0;
    MessageId id;
    bool operator==(const Submission&) const = default;
};

class SeenSet {
  public:
    SeenSet();
    void add(const Submission& submission);
    bool contains(const Submission& submission) const;
    std::size_t size() const { return size_; }

  private:
    std::size_t place_of(const Submission& submission) const;
    void grow();

    std::uint64_t key_;
    std::size_t size_ = 0;
    std::vector<Submission> places_;  // a power of two, or none
    std::vector<bool> used_;
};

}  // namespace holdfast::queue
