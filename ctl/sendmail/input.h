// Standard input, whatever it is: a pipe, a socket, a file that still grows. Only ever read in
// order.
#pragma once

#include <cstdint>
#include <string>

#include "ctl/client/outcome.h"
#include "ctl/sendmail/process.h"
#include "ctl/sendmail/site.h"
#include "smtpd/mail/message_text.h"

namespace holdfast::sendmail {

class StandardInput {
  public:
    explicit StandardInput(Input input) : missing_(input == Input::missing) {}

    // The whole message as text, read to the end of the input or to a lone dot.
    Attempt<std::string> read_message(const Site& site, LoneDot lone_dot);

    // After a failure: reads and throws away what is still coming, within the site's bounds.
    // Nothing where the input has ended, or is a terminal.
    void drain(const Site& site);

  private:
    bool missing_;
    bool ended_ = false;
};

}  // namespace holdfast::sendmail
