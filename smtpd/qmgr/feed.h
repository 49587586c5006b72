// Gives the bytes of a file away in pieces, never more of them outstanding than a window holds:
// a body to an agent, a file of drop/ to control.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "queue/slice.h"
#include "smtpd/qmgr/life.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class Feed {
  public:
    // `give` gets each piece, then an empty one, or an error, which is the last. It may destroy
    // the feed at the last.
    Feed(Spool& spool, std::function<void(Result<std::string>)> give)
        : spool_(spool), give_(std::move(give)) {}

    // Not while it is busy. What was given of former bytes and is not yet taken still counts.
    void start(std::shared_ptr<const queue::Slice> bytes);
    bool busy() const { return bytes_ != nullptr; }
    // So much has been dealt with.
    void taken(std::uint64_t bytes);

  private:
    void pump();
    bool gave(Result<std::string> piece);
    void last(Result<std::string> piece);

    Spool& spool_;
    std::function<void(Result<std::string>)> give_;
    std::shared_ptr<const queue::Slice> bytes_;
    std::uint64_t offset_ = 0;
    std::uint64_t outstanding_ = 0;
    bool reading_ = false;
    Life life_;
};

}  // namespace holdfast::qmgr
