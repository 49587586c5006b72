// Fields with bytes above 0x7f for a server that takes none. Nothing is lost: a reader is shown the
// same text, or finds it, encoded, where it stood.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::relay {

// `field` is one whole field with its line ends, at most FieldCollector::max_field bytes. The
// result is ASCII.
//
// - Text (Subject, and every name that is not known), display names, comments: encoded words.
// - A list of addresses with such bytes anywhere else: all of the list becomes the name of an empty
//   group, so that the field is still one (RFC 6854; RFC 6857 does the like).
// - Parameters of Content-Type and Content-Disposition: as RFC 2231 has it. Other words in these
//   fields go into comments; a type that is one of them becomes what a reader takes it for.
// - Any other field of a known form: "Downgraded-" and its name, and its value as text (RFC 6857).
std::string ascii_field(std::string_view field);

}  // namespace holdfast::relay
