// The files that relay needs and cannot open: asked of the parent each time, so that what has been
// changed is used from then on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "smtpd/base/error.h"
#include "smtpd/links/parent_relay.h"

namespace holdfast::relay {

class Files {
  public:
    explicit Files(std::function<void(links::FileWanted)> ask) : ask_(std::move(ask)) {}

    // `done` gets the contents of one of RelaySnapshot::files, or why there are none; not before
    // this returns, and not at all where the parent has gone.
    using Done = std::function<void(Result<std::string>)>;
    void read(std::uint32_t number, Done done);

    // Of the parent, in the order in which it was asked.
    void on(links::File&& file);

  private:
    std::function<void(links::FileWanted)> ask_;
    std::deque<Done> waiting_;
};

}  // namespace holdfast::relay
