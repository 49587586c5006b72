// A message as it is handed in: what the daemon is told about it, whom it is for, and its text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/client/outcome.h"
#include "ctl/sendmail/options.h"
#include "smtpd/links/control_client.h"

namespace holdfast::sendmail {

struct Submission {
    links::Submit submit;
    std::vector<std::string> recipients;  // in the order in which they were named, repeats and all
    std::string text;                     // header without private fields, blank line, body
};

// Whom the operands name: all of them readable, or a failure that quotes one that is not.
Attempt<std::vector<std::string>> operand_recipients(std::span<const std::string> operands);

// What is to be handed in. `text` has LF line ends; `operands` are those of operand_recipients().
Attempt<Submission> compose(const Options& options, std::vector<std::string> operands,
                            std::string text);

enum class More : std::uint8_t { no, yes };

// Calls `take` with each packet of a submission, and whether more come behind it, until it returns
// false: the same packets whenever they are asked for, over the socket and in a file of drop/.
void for_each_packet(const Submission& submission,
                     const std::function<bool(std::string_view packet, More more)>& take);

}  // namespace holdfast::sendmail
