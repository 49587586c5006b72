// One line, or a run of lines, as a client may send them: parsed, and what was parsed is checked.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "smtpd/mail/command.h"
#include "smtpd/mail/data_decoder.h"
#include "smtpd/mail/line_reader.h"

namespace {

using namespace holdfast;

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

void parse(std::string_view line) {
    require(line.find_first_of("\r\n") == std::string_view::npos);
    const Command command = parse_command(line);
    require(is_inside(command.argument, line));
    static_cast<void>(is_helo_name(command.argument));
    for (const std::string_view word : {"FROM", "TO"}) {
        const auto path = parse_path_argument(command.argument, word);
        if (!path) continue;
        require(is_inside(path->path, line));
        for (const Parameter& parameter : path->parameters) {
            require(!parameter.keyword.empty());
            require(is_inside(parameter.value, line));
        }
    }
}

void read_lines(std::string_view input) {
    LineReader reader(64);
    while (!input.empty()) {
        const auto taken = reader.take(input);
        if (taken.kind == LineReader::Kind::line) parse(taken.line);
        if (taken.kind == LineReader::Kind::bare_line_end) return;
        if (taken.used == 0) return require(input.size() <= 65);
        input.remove_prefix(taken.used);
    }
}

// In one piece or byte by byte: the same message.
void decode(std::string_view input) {
    DataDecoder whole;
    const std::size_t used = whole.feed(input);
    DataDecoder bytes;
    std::size_t at = 0;
    while (at < input.size() && bytes.stage() == DataDecoder::Stage::body) {
        at += bytes.feed(input.substr(at, 1));
    }
    require(whole.stage() == bytes.stage());
    if (whole.stage() == DataDecoder::Stage::bare_line_end) return;
    const std::string body = whole.take_body();
    require(body == bytes.take_body() && used == at);
    require(body.size() <= input.size());
    require(body.find('\r') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    read_lines(input);
    decode(input);
    return 0;
}
