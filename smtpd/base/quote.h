// Makes bytes from outside harmless for a log line, a terminal and a text file of one record a
// line: nothing that it returns holds a control byte, and both forms can be read back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// Whether a character (base/utf8.h) beyond ASCII acts on a terminal or makes a text look like
// another: U+0080 to U+009F, line and paragraph separators, marks that turn the direction of
// writing, a byte order mark.
bool is_mischievous(std::string_view character);

// For people and logs. Bytes below 0x20, 0x7f, `"` and `\` become \n, \t, \xHH, \" or \\, and so
// do bytes that are no UTF-8. Mischievous characters become \u{HHHH}. The result has no quotation
// marks around it.
std::string escaped(std::string_view bytes);

// For a text that is ours but for what it quotes: as escaped(), with `"` and `\` as they are.
std::string harmless(std::string_view text);

// As harmless(), for a text of several lines: line ends and tabs stay.
std::string harmless_lines(std::string_view text);

// As escaped(), between quotation marks where the text is empty or holds a space, `=` or a byte
// that was escaped: a value of a log line.
std::string quoted(std::string_view bytes);

// For fields of a queue file: bytes outside 0x21-0x7e, and `%`, become %HH. One word, never empty:
// the empty string is "-", and a lone "-" is "%2D".
std::string percent_encoded(std::string_view bytes);
std::optional<std::string> percent_decoded(std::string_view word);

}  // namespace holdfast
