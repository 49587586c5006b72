// MAIL and RCPT with the parameters that the server has asked for. Nothing from an envelope gets
// into a command that could end it or add to it: whatever holds a control byte or a space is
// refused or left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/relay/transaction.h"

namespace holdfast::relay {

enum class Sendable : std::uint8_t {
    yes,
    malformed,
    needs_utf8,  // holds characters beyond ASCII (RFC 6531)
};

// Whether an address may stand between the brackets of a command. Stricter than RFC 5321: a
// quoted local part with a space in it is malformed.
Sendable sendable(std::string_view address);

// RFC 3461 section 4: printable ASCII, "+" and "=" as +HH.
std::string xtext(std::string_view text);

// Lines with their ends. The addresses are sendable; only what the server offers is asked of it.
std::string mail_command(const Transaction& transaction, const Extensions& offered);
std::string rcpt_command(const Recipient& recipient, const Extensions& offered);

}  // namespace holdfast::relay
