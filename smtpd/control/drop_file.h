// A file of drop/: the packets that sendmail would have sent, one after the other, each with its
// length in front. qmgr has opened it; here it is read once, a piece in a turn of the loop, parsed,
// distrusted as if it had come over the socket, and goes the same way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/base/unique_fd.h"
#include "smtpd/control/intake.h"
#include "smtpd/loop/watch.h"

namespace holdfast::control {

class DropFile {
  public:
    DropFile(House& house, links::DropBegin begin);

    // qmgr has decided, or was told that the file can never become a message.
    bool over() const { return over_; }

  private:
    void read_piece();
    void parse();
    bool take_packet();
    bool take_message(std::string_view frame);
    void bad(const std::string& why);
    void end();

    House& house_;
    std::uint64_t drop_;
    UniqueFd file_;
    std::uint64_t unread_;
    std::string bytes_;
    std::size_t used_ = 0;  // of bytes_
    Timer next_piece_;
    bool over_ = false;
    bool parsing_ = false;
    Intake intake_;
};

}  // namespace holdfast::control
