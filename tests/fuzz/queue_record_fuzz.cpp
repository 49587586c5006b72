// Any bytes as a queue file: whatever is accepted must be what would have been written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "queue/state.h"
#include "queue/words.h"
#include "smtpd/base/panic.h"

using namespace holdfast;
using namespace holdfast::queue;

namespace {

void must(bool holds, std::string_view what) {
    if (!holds) panic(what);
}

void read_envelope(std::string_view bytes) {
    const auto line = parse_first_line(bytes);
    if (!line) return;
    must(line->body.offset <= first_line_length + max_envelope, "an envelope without bounds");
    const auto envelope = parse_envelope(*line, bytes.substr(0, line->body.offset));
    if (!envelope) return;
    const std::string text = encode_envelope(*envelope);
    const std::string first = encode_first_line(text, line->body).text;
    must(first + text == bytes.substr(0, line->body.offset), "two spellings of an envelope");
}

// The bytes as an envelope whose checksum is right.
void read_sealed_envelope(std::string_view text) {
    const EncodedFirstLine first = encode_first_line(text, {});
    read_envelope(first.text + std::string(text));
}

void read_log(std::string_view bytes) {
    LogReader whole(3, 1);
    whole.add(bytes);
    LogReader pieces(3, 1);
    for (std::size_t at = 0; at < bytes.size(); at += 7) pieces.add(bytes.substr(at, 7));
    const auto one = std::move(whole).finish();
    const auto other = std::move(pieces).finish();
    must(one.has_value() == other.has_value(), "pieces change the meaning of a log");
    if (one) must(one->cursor == other->cursor, "pieces change the cursor of a log");
}

void read_line(std::string_view bytes) {
    const auto line = parse_log_line(bytes, 1);
    if (line) must(encode_log_line(*line, 1) == std::string(bytes) + "\n", "two spellings");
}

// A line with its checksum, which a fuzzer does not find.
std::string sealed(std::string_view text) {
    std::string line(text);
    append_crc(line, 1);
    return line;
}

// Every line of `bytes` with its checksum.
std::string sealed_lines(std::string_view bytes) {
    std::string log;
    for (;;) {
        const std::size_t end = bytes.find('\n');
        log += sealed(bytes.substr(0, end)) + "\n";
        if (end == std::string_view::npos) return log;
        bytes.remove_prefix(end + 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_envelope(bytes);
    read_sealed_envelope(bytes);
    read_line(bytes);
    read_line(sealed(bytes));
    read_log(bytes);
    read_log(sealed_lines(bytes));
    return 0;
}
