// The name that an address field gives its mailbox, kept when the address is replaced.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::relay {

// The value of a From field with `address` as its only mailbox. What stands around the address of a
// single mailbox (its name as it is written, comments, folding) stays; where that is nothing, the
// old address becomes the name. Several mailboxes have no name in common: theirs go. What names
// nobody, or one mailbox in another way (a group, words without brackets), becomes the name. One
// that names `address` alone stays as it is.
std::string with_address(std::string_view value, std::string_view address);

}  // namespace holdfast::relay
