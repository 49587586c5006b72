// A file of drop/: the packets that sendmail would have sent, one after the other, each with its
// length in front. qmgr brings the bytes as they are; here they are parsed, distrusted as if they
// had come over the socket, and go the same way.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "smtpd/control/intake.h"

namespace holdfast::control {

class DropFile {
  public:
    struct Events {
        std::function<void(std::uint32_t bytes)> dealt_with;  // these bytes need not be kept
        std::function<void(const std::string& why)> bad;      // it can never become a message
        std::function<void()> over;  // qmgr has its verdict; may destroy this later
    };

    DropFile(House& house, const links::DropBegin& begin, Events events);

    void on_bytes(std::string bytes);
    void on_end();

  private:
    Intake::Events intake_events();
    void parse();
    bool take_packet();
    bool take_message(std::string_view frame);
    void bad(const std::string& why);

    Events events_;
    std::string bytes_;
    bool ended_ = false;
    bool done_ = false;  // said bad() or over()
    bool parsing_ = false;
    bool submitted_ = false;  // the one submission of the file has begun
    Intake intake_;
};

}  // namespace holdfast::control
