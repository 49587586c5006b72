// A message as it is handed in: what the daemon is told about it, whom it is for, and its text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ctl/sendmail/exit_status.h"
#include "ctl/sendmail/options.h"
#include "smtpd/links/control_client.h"

namespace holdfast::sendmail {

// In the order in which they were named, each once: equal but for the case of their domain is the
// same (RFC 5321 section 2.4), and the first spelling stays.
class RecipientSet {
  public:
    void add(std::string address);
    bool empty() const { return addresses_.empty(); }
    std::vector<std::string> take() { return std::move(addresses_); }

  private:
    std::vector<std::string> addresses_;
    std::unordered_set<std::string> known_;
};

struct Submission {
    links::Submit submit;
    std::vector<std::string> recipients;
    std::string text;  // header without private fields, blank line, body
};

// Whom the operands name: all of them readable, or a failure that quotes one that is not.
Attempt<RecipientSet> operand_recipients(std::span<const std::string> operands);

// What is to be handed in. `text` has LF line ends; `operands` are those of operand_recipients().
Attempt<Submission> compose(const Options& options, RecipientSet operands, std::string text);

enum class More : std::uint8_t { no, yes };

// Calls `take` with each packet of a submission, and whether more come behind it, until it returns
// false: the same packets whenever they are asked for, over the socket and in a file of drop/.
void for_each_packet(const Submission& submission,
                     const std::function<bool(std::string_view packet, More more)>& take);

}  // namespace holdfast::sendmail
