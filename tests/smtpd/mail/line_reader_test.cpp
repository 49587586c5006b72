#include "smtpd/mail/line_reader.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace holdfast {
namespace {

constexpr std::size_t limit = 32;

// What a reader makes of input that arrives in pieces of `step` bytes: lines, "too long", "bare".
std::vector<std::string> read_all(std::string_view input, std::size_t step) {
    LineReader reader(limit);
    std::vector<std::string> seen;
    std::string kept;
    while (!input.empty()) {
        kept.append(input.substr(0, step));
        input.remove_prefix(std::min(step, input.size()));
        while (true) {
            const auto taken = reader.take(kept);
            if (taken.kind == LineReader::Kind::line) seen.emplace_back(taken.line);
            if (taken.kind == LineReader::Kind::too_long) seen.emplace_back("too long");
            if (taken.kind == LineReader::Kind::bare_line_end) {
                seen.emplace_back("bare");
                return seen;
            }
            kept.erase(0, taken.used);
            if (taken.kind == LineReader::Kind::incomplete) break;
        }
        REQUIRE(kept.size() <= limit + step);
    }
    return seen;
}

TEST_CASE("a line ends with CR LF and with nothing else") {
    struct Row {
        std::string input;
        std::vector<std::string> seen;
    };
    const std::vector<Row> rows{
        {"NOOP\r\n", {"NOOP"}},
        {"\r\n", {""}},
        {"a\r\nb\r\nc", {"a", "b"}},
        {"NOOP", {}},
        {"NOOP\r", {}},
        {"NOOP\n", {"bare"}},
        {"\n", {"bare"}},
        {"a\r\nb\nc\r\n", {"a", "bare"}},
        {"NO\rOP\r\n", {"bare"}},
        {"NOOP\r\r\n", {"bare"}},
        {"\r\r", {"bare"}},
        {std::string(30, 'x') + "\r\n", {std::string(30, 'x')}},
        {std::string(31, 'x') + "\r\nNOOP\r\n", {"too long", "NOOP"}},
        {std::string(500, 'x') + "\r\nNOOP\r\n", {"too long", "NOOP"}},
        {std::string(500, 'x') + "\nNOOP\r\n", {"bare"}},
        {std::string(500, 'x') + "\rNOOP\r\n", {"bare"}},
    };
    for (const Row& row : rows) {
        for (std::size_t step = 1; step <= 40; ++step) {
            CAPTURE(row.input, step);
            CHECK(read_all(row.input, step) == row.seen);
        }
    }
}

}  // namespace
}  // namespace holdfast
