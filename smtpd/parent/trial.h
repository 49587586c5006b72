// Tries a program that is only started when it is needed: whether this machine can execute it at
// all. It is started with a parent that has gone, which it complains of and ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "smtpd/parent/process.h"

namespace holdfast {

class Trial {
  public:
    static constexpr Duration limit = std::chrono::seconds(10);

    // Calls `done` once, later, with what is wrong with the program; it may destroy this.
    Trial(Loop& loop, Executable program, std::function<void(Status)> done);
    ~Trial();

  private:
    Status start();
    void ended(const Ending& ending);

    Loop& loop_;
    Executable program_;
    std::function<void(Status)> done_;
    UniqueFd words_;  // its standard error
    std::unique_ptr<Process> process_;
    Timer deadline_;
};

}  // namespace holdfast
