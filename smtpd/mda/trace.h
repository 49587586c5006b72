// The header lines that delivery puts in front of a message. They are made from the order alone,
// so that a repeated delivery writes the same bytes:
//
//     Return-Path: <sender@example.org>
//     Delivered-To: alice@web1.example.net
#pragma once

#include <string>
#include <string_view>

#include "smtpd/links/qmgr_mda.h"

namespace holdfast::mda {

std::string trace_lines(const links::Deliver& order);

// `value` fit for a header line: control bytes become "?", at most 900 bytes.
std::string header_text(std::string_view value);

}  // namespace holdfast::mda
