// Messages of the queue as text and as JSON. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/links/control_qmgr.h"

namespace holdfast::mtactl {

// A list that is printed while it comes: begin(), add() for each message, end().
class QueueText {
  public:
    explicit QueueText(WallTime now) : now_(now) {}

    std::string add(const links::QueueItem& item);
    std::string end() const;

  private:
    WallTime now_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

// One array. What was printed of it is no JSON where the list breaks off.
class QueueJson {
  public:
    std::string add(const links::QueueItem& item);
    std::string end() const;

  private:
    bool begun_ = false;
};

}  // namespace holdfast::mtactl
