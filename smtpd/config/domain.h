// Domain names as the configuration may hold them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::config {

// The name in lower case; nothing where it is not one. Address literals are no names.
std::optional<std::string> parse_domain(std::string_view text);

}  // namespace holdfast::config
