// The text of one part, encoded for transport (RFC 2045 section 6). Works in pieces of any size,
// and holds back a line of output at most.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "smtpd/relay/base64_text.h"
#include "smtpd/relay/quoted_printable.h"

namespace holdfast::relay {

enum class TransferForm : std::uint8_t {
    as_it_is,
    quoted_printable,
    base64,
    quoted_printable_again,  // it is that already, with bytes or lines that it may not have
    base64_again,
};

class TransferEncoder {
  public:
    explicit TransferEncoder(TransferForm form);

    std::string feed(std::string_view text);
    std::string finish(Behind behind);

  private:
    struct AsItIs {};
    using Encoder = std::variant<AsItIs, QuotedPrintable, Base64Text, Base64Again>;

    static Encoder encoder_for(TransferForm form);

    Encoder encoder_;
};

}  // namespace holdfast::relay
