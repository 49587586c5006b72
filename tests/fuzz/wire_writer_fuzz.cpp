// A message on the wire, in pieces chosen by the input: whatever it holds, a server reads it and
// nothing more, and its end is the only end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "smtpd/mail/data_decoder.h"
#include "smtpd/relay/wire_writer.h"

namespace {

using namespace holdfast;
using namespace holdfast::relay;

void require(bool condition) {
    if (!condition) std::abort();
}

struct Wire {
    std::string before;
    std::string end;
};

Wire write(WireForm form, std::string_view text, std::size_t piece) {
    WireWriter writer(form);
    Wire wire;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        wire.before += writer.feed(text.substr(at, piece));
    }
    wire.end = writer.finish();
    require(form == WireForm::dotted || writer.chunks() >= 1);
    return wire;
}

std::string expected(std::string text) {
    std::ranges::replace(text, '\r', ' ');
    std::ranges::replace(text, '\0', ' ');
    if (!text.empty() && text.back() != '\n') text.push_back('\n');
    return text;
}

void check_dotted(const std::string& text, std::size_t piece) {
    const Wire wire = write(WireForm::dotted, text, piece);
    DataDecoder decoder;
    require(decoder.feed(wire.before) == wire.before.size());
    require(decoder.stage() == DataDecoder::Stage::body);
    require(decoder.feed(wire.end) == wire.end.size());
    require(decoder.stage() == DataDecoder::Stage::end);
    require(decoder.take_body() == expected(text));
}

void check_chunked(const std::string& text, std::size_t piece) {
    const Wire wire = write(WireForm::chunked, text, piece);
    std::string_view rest = wire.end;
    const std::size_t line = rest.find("\r\n");
    require(rest.starts_with("BDAT ") && line >= 11 && rest.substr(line - 5, 5) == " LAST");
    const std::size_t length = std::stoul(std::string(rest.substr(5)));
    require(wire.before.empty() && length == rest.size() - line - 2);
    std::string lines;
    for (std::size_t i = line + 2; i < rest.size(); ++i) {
        require((rest[i] == '\r') == (i + 1 < rest.size() && rest[i + 1] == '\n'));
        if (rest[i] != '\r') lines.push_back(rest[i]);
    }
    require(lines == expected(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > WireWriter::max_chunk / 2) return 0;
    const std::size_t piece = 1 + data[0] % 16;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    check_dotted(text, piece);
    check_chunked(text, piece);
    return 0;
}
