// Which addresses a route statement means: USER@DOMAIN, @DOMAIN (or DOMAIN), *.DOMAIN for what is
// below it. Pure.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "smtpd/config/lexer.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

struct Pattern {
    links::RouteMatch match = links::RouteMatch::domain;
    std::string text;  // as links::RoutePlan has it

    auto operator<=>(const Pattern&) const = default;
};

std::expected<Pattern, Fault> parse_pattern(const Word& word);

// Every pattern that means all addresses of this one, itself first; as many as it has labels.
std::vector<Pattern> wider_patterns(const Pattern& pattern);

}  // namespace holdfast::config
