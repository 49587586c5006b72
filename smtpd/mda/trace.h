// The header lines that delivery puts in front of a message. They are made from the order alone,
// so that a repeated delivery writes the same bytes:
//
//     Return-Path: <sender@example.org>
//     Delivered-To: alice@web1.example.net
//     Received: by web1.example.net (Holdfast mda) id 01J...Z.0; Sat, 21 Nov 2026 07:50:18 +0000
//
// The id and the recipient's place in the envelope name this delivery: its tag.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/links/qmgr_mda.h"

namespace holdfast::mda {

// What stands in front of the tag, and in front of the whole line. The search for earlier
// deliveries (mbox_search.h) depends on these and on the order of the lines.
inline constexpr std::string_view return_path_field = "Return-Path: ";
inline constexpr std::string_view delivered_to_field = "Delivered-To: ";
inline constexpr std::string_view received_field = "Received: by ";
inline constexpr std::string_view tag_mark = " (Holdfast mda) id ";

// "01J...Z.0": 28 to 37 characters.
std::string delivery_tag(const links::Deliver& order);

std::string trace_lines(const links::Deliver& order, std::string_view hostname);

// `value` fit for a header line: control bytes become "?", at most 900 bytes.
std::string header_text(std::string_view value);

}  // namespace holdfast::mda
