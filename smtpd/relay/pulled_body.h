// The body of a job as qmgr gives it: from its beginning, as often as it is needed, in pieces that
// are asked for. A small one is kept from the first time on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "smtpd/links/qmgr_relay.h"

namespace holdfast::relay {

class PulledBody {
  public:
    static constexpr std::uint32_t piece = 128 * 1024;
    static constexpr std::uint64_t small = 64 * 1024;

    PulledBody(std::uint64_t job, std::uint64_t length, std::function<void(links::Pull)> ask)
        : job_(job), length_(length), ask_(std::move(ask)) {}

    // From the beginning again. What was asked for before and comes yet is not what is waited for.
    void rewind();
    bool at_end() const { return offset_ == length_; }

    // The next piece, at once where it is here; else it is asked for, and take() will have it.
    // Empty: not yet, or at the end.
    std::string next();
    // What has come, where it is what is waited for; else empty.
    std::string take(links::BodyBytes&& bytes);

  private:
    std::uint64_t job_;
    std::uint64_t length_;
    std::function<void(links::Pull)> ask_;
    std::uint64_t offset_ = 0;       // of what comes next
    std::uint64_t asked_up_to_ = 0;  // pulled, and not all of it here
    std::string kept_;               // the beginning, where all of it is small
};

}  // namespace holdfast::relay
