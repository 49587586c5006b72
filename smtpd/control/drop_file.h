// A file of drop/: the packets that sendmail would have sent, one after the other, each with its
// length in front. qmgr brings the bytes as they are; here they are parsed, distrusted as if they
// had come over the socket, and go the same way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/control/intake.h"

namespace holdfast::control {

class DropFile {
  public:
    DropFile(House& house, const links::DropBegin& begin);

    void on(links::DropBytes&& message);
    void on(links::DropEnd&& message);

    // qmgr has decided, or was told that the file can never become a message.
    bool over() const { return over_; }

  private:
    void parse();
    void give_credit();
    bool take_packet();
    bool take_message(std::string_view frame);
    void bad(const std::string& why);
    void end();

    House& house_;
    std::uint64_t drop_;
    std::string bytes_;
    std::size_t used_ = 0;  // of bytes_
    bool ended_ = false;
    bool over_ = false;
    bool parsing_ = false;
    Intake intake_;
};

}  // namespace holdfast::control
