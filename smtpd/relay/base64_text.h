// The text of a part as base64 (RFC 2045 section 6.8), in lines of 76 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::relay {

// What comes behind the text of a part.
enum class Behind : std::uint8_t {
    nothing,
    delimiter,  // which owns the line end before it (RFC 2046 section 5.1.1)
};

// A LF of the text stands for CR LF, as it would on its way to a server.
class Base64Text {
  public:
    std::string feed(std::string_view text);
    std::string finish(Behind behind);

  private:
    std::string octets_;     // too few for a line
    bool line_end_ = false;  // held back: it may belong to a delimiter
};

// Base64 with bytes or lines that it may not have. Bytes that mean nothing in it go.
class Base64Again {
  public:
    std::string feed(std::string_view text);
    std::string finish();

  private:
    std::size_t column_ = 0;
};

}  // namespace holdfast::relay
