// The ADDRESS:PORT of a listen statement. Only what needs no resolver: a literal address, `*` for
// every address of this machine, `localhost` for its two loopback addresses. Pure.
#pragma once

#include <expected>
#include <vector>

#include "smtpd/config/lexer.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// One listener, its address as inet_ntop writes it, or both families' for `*` and `localhost`.
// Their `place` stays empty.
std::expected<std::vector<links::ListenPlan>, Fault> parse_endpoints(const Word& word);

// Whether a socket of `one` takes the connections that come to `other`.
bool covers(const links::ListenPlan& one, const links::ListenPlan& other);

}  // namespace holdfast::config
