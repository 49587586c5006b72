#include "smtpd/mail/data_decoder.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace holdfast {
namespace {

struct Decoded {
    DataDecoder::Stage stage = DataDecoder::Stage::body;
    std::string body;
    std::size_t used = 0;
    bool operator==(const Decoded&) const = default;
};

// The rules once more, for whole inputs and without regard to speed: split at CR LF; a line that
// still holds a CR or LF is bare; a lone dot ends; a dot in front is dropped.
Decoded oracle(std::string input) {
    Decoded result;
    while (true) {
        const std::size_t end = input.find("\r\n");
        std::string line = input.substr(0, end);
        if (line.find_first_of("\r\n") != std::string::npos) {
            // A CR that ends the input may still get its LF.
            const bool waits = end == std::string::npos &&
                               line.find_first_of("\r\n") + 1 == line.size() && line.back() == '\r';
            if (waits) return result;
            return {DataDecoder::Stage::bare_line_end, {}, 0};
        }
        if (end == std::string::npos) return result;
        result.used += end + 2;
        input.erase(0, end + 2);
        if (line == ".") {
            result.stage = DataDecoder::Stage::end;
            return result;
        }
        if (line.starts_with('.')) line.erase(0, 1);
        result.body += line + "\n";
    }
}

// Feeds pieces of `step` bytes. Only whole lines are kept of the body, as the oracle does; after
// a bare line end nothing is.
Decoded decode(std::string_view input, std::size_t step) {
    DataDecoder decoder;
    std::size_t used = 0;
    while (used < input.size() && decoder.stage() == DataDecoder::Stage::body) {
        used += decoder.feed(input.substr(used, step));
    }
    if (decoder.stage() == DataDecoder::Stage::bare_line_end) return {decoder.stage(), {}, 0};
    std::string body = decoder.take_body();
    const bool ended = decoder.stage() == DataDecoder::Stage::end;
    body.resize(body.rfind('\n') + 1);
    return {decoder.stage(), body, ended ? used : oracle(std::string(input)).used};
}

std::vector<std::string> strings_up_to(std::size_t length) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].size() == length) continue;
        for (const char c : std::string_view("\r\n.x")) all.push_back(all[i] + c);
    }
    return all;
}

TEST_CASE("F16 every string of CR, LF, dot and x around the final dot is read as the RFC says") {
    std::size_t ends = 0;
    for (const std::string& middle : strings_up_to(7)) {
        for (const std::string& input :
             {middle, middle + "\r\n.\r\nQUIT\r\n", "x\r\n" + middle + ".\r\nQUIT\r\n"}) {
            const Decoded expected = oracle(input);
            for (const std::size_t step : {std::size_t{1}, std::size_t{2}, input.size() + 1}) {
                const Decoded seen = decode(input, step);
                if (seen == expected) continue;
                CAPTURE(input, step);
                REQUIRE(seen.body == expected.body);
                REQUIRE(seen.used == expected.used);
                FAIL("the stage differs");
            }
            ends += expected.stage == DataDecoder::Stage::end ? 1 : 0;
        }
    }
    CHECK(ends > 1000);  // the oracle lets some through
}

TEST_CASE("stuffed dots go, other dots stay, line ends become LF") {
    DataDecoder decoder;
    const std::string input = "a\r\n..b\r\n.c\r\n...\r\nd.\r\n\r\n.\r\nMAIL";
    CHECK(decoder.feed(input) == input.size() - 4);
    CHECK(decoder.stage() == DataDecoder::Stage::end);
    CHECK(decoder.take_body() == "a\n.b\nc\n..\nd.\n\n");
    CHECK(decoder.wire_size() == 3 + 4 + 3 + 4 + 4 + 2);
}

TEST_CASE("F51 a long line stays whole") {
    DataDecoder decoder;
    const std::string line(5000, 'x');
    decoder.feed(line + "\r\n.\r\n");
    CHECK(decoder.take_body() == line + "\n");
}

TEST_CASE("a NUL is noticed wherever it stands") {
    for (std::size_t at = 0; at < 100; ++at) {
        std::string line(100, 'x');
        line[at] = '\0';
        DataDecoder nul;
        nul.feed(line + "\r\n.\r\n");
        CHECK(nul.has_nul());
        line[at] = '\x80';
        DataDecoder high;
        high.feed(line + "\r\n.\r\n");
        CHECK_FALSE(high.has_nul());
    }
}

TEST_CASE("input adds no more to the body than its own length") {
    DataDecoder decoder;
    std::size_t fed = 0;
    std::string body;
    for (const char c : std::string("\r\n..\r\n.x\r\nabc\r\n")) {
        fed += decoder.feed(std::string(1, c));
        body += decoder.take_body();
        CHECK(body.size() <= fed);
    }
}

}  // namespace
}  // namespace holdfast
