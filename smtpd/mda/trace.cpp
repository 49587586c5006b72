#include "smtpd/mda/trace.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"

namespace holdfast::mda {

namespace {

// A line may have 998 bytes (RFC 5322 section 2.1.1).
constexpr std::size_t max_value = 900;

}  // namespace

std::string header_text(std::string_view value) {
    std::string text(value.substr(0, max_value));
    std::ranges::replace_if(text, ascii::is_control, '?');
    return text;
}

std::string trace_lines(const links::Deliver& order) {
    return "Return-Path: <" + header_text(order.return_path) +
           ">\nDelivered-To: " + header_text(order.delivered_to) + "\n";
}

}  // namespace holdfast::mda
