// Any bytes as a line of seen/, with and without a checksum that is right.
#include <cstdint>
#include <string>

#include "queue/seen.h"
#include "queue/words.h"
#include "smtpd/base/panic.h"

namespace {

void read(const std::string& line) {
    const auto submission = holdfast::queue::parse_seen_line(line);
    if (submission && holdfast::queue::encode_seen_line(*submission) != '\n' + line + '\n') {
        holdfast::panic("two spellings of a line of seen/");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string line(reinterpret_cast<const char*>(data), size);
    read(line);
    holdfast::queue::append_crc(line, 0);
    read(line);
    return 0;
}
