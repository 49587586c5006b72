// The queue as `mailq` prints it, in the layout that people and monitoring scripts know from
// Postfix. Times are UTC: a caller's TZ names a file, and this program opens none of those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "smtpd/links/control_client.h"

namespace holdfast::sendmail {

class QueueList {
  public:
    // The lines for one more message; in front of the first, the heading.
    std::string add(const links::QueueItem& item);
    // The last line, or what is said of an empty queue.
    std::string summary() const;

  private:
    std::size_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace holdfast::sendmail
