#include "smtpd/mda/trace.h"

#include <algorithm>

#include "smtpd/base/clock.h"

namespace holdfast::mda {

namespace {

// A line may have 998 bytes (RFC 5322 section 2.1.1).
constexpr std::size_t max_value = 900;
// Room is left in the Received line for the rest of it.
constexpr std::size_t max_hostname = 255;

}  // namespace

std::string delivery_tag(const links::Deliver& order) {
    return order.id.text() + '.' + std::to_string(order.recipient);
}

std::string header_text(std::string_view value) {
    std::string text(value.substr(0, max_value));
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

std::string trace_lines(const links::Deliver& order, std::string_view hostname) {
    std::string lines;
    lines.append(return_path_field).append("<" + header_text(order.return_path) + ">\n");
    lines.append(delivered_to_field).append(header_text(order.delivered_to)).append("\n");
    lines.append(received_field).append(header_text(hostname.substr(0, max_hostname)));
    lines.append(tag_mark).append(delivery_tag(order)).append("; ");
    lines.append(rfc5322_date(WallTime(std::chrono::milliseconds(order.admitted)))).append("\n");
    return lines;
}

}  // namespace holdfast::mda
