// An alias file in the form of /etc/aliases, from text to the table that qmgr works with:
//
//     name: target, target
//         target                 a line that begins with a space goes on
//
// Pure, linear in the text. Loops are looked for in alias_loops.h; fan-out is qmgr's business,
// which follows the aliases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "smtpd/config/diagnostic.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// What becomes of mail for other machines.
enum class Elsewhere : std::uint8_t { refused, relayed };

inline constexpr std::size_t max_aliases = std::size_t{16} << 20;  // bytes

// A line that is no alias is an error. Programs, files and :include: as targets are known and not
// taken yet: a warning, so that the file of another mail system can be loaded; an alias whose
// every target is of that kind stays, without targets (links::Alias says what that means). Of two
// aliases with one name the first counts, as with other mail systems, and the second is warned of.
// So is a target whose domain is not among `local_domains` (lower case, sorted) where there is no
// relay: it is kept, and mail to it refused.
Checked<links::AliasSnapshot> parse_aliases(std::string_view text, std::string_view file,
                                            std::span<const std::string> local_domains,
                                            Elsewhere elsewhere);

}  // namespace holdfast::config
