// The text of a message as bytes for a server: CR LF line ends, and an end that only the end can
// be (F16). Behind DATA the lines are dot-stuffed (RFC 5321 section 4.5.2); with CHUNKING they go
// in BDAT commands, which carry their length (RFC 3030). Works in pieces of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::relay {

enum class WireForm : std::uint8_t {
    dotted,   // behind DATA and its 354
    chunked,  // BDAT: the commands are part of the bytes
};

class WireWriter {
  public:
    // Bytes of message in a BDAT command, and the most that is held back.
    static constexpr std::size_t max_chunk = std::size_t{256} * 1024;

    explicit WireWriter(WireForm form) : form_(form) {}

    // What of the message can leave now. Line ends of `text` are LF. A CR or NUL, which the queue
    // does not hold, becomes a space: neither may stand in a message (RFC 5322 section 2.2).
    std::string feed(std::string_view text);

    // The end of the message, to be called once. From the first of these bytes on, and not before,
    // the server may have it. A last line that has no end gets one.
    std::string finish();

    // BDAT commands that have been given out: so many replies are due.
    std::uint64_t chunks() const { return chunks_; }

  private:
    std::string full_chunks();
    std::string chunk(std::size_t length, std::string_view last);

    WireForm form_;
    bool line_open_ = false;  // the last line has bytes and no end
    std::string pending_;     // of the next chunk
    std::uint64_t chunks_ = 0;
};

}  // namespace holdfast::relay
