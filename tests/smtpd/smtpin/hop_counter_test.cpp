#include "smtpd/smtpin/hop_counter.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace holdfast::smtpin {
namespace {

unsigned hops_of(std::string_view text, std::size_t step) {
    HopCounter counter;
    for (std::size_t at = 0; at < text.size(); at += step) counter.feed(text.substr(at, step));
    return counter.hops();
}

TEST_CASE("Received fields are counted in the header only, however the bytes come") {
    struct Row {
        std::string text;
        unsigned hops;
    };
    const std::vector<Row> rows{
        {"", 0},
        {"Received: a\n", 1},
        {"received:\nRECEIVED: b\n", 2},
        {"Received : a\nReceived\t:b\n", 2},
        {"Received", 0},
        {"Received\n: a\n", 0},
        {"Received a: b\n", 0},
        {"X-Received: a\n", 0},
        {"Received-SPF: pass\n", 0},
        {"Receive: a\nReceived: b\n", 1},
        {"Subject: x\n Received: folded\n\tReceived: folded\n", 0},
        {"Received: a\n\nReceived: body\n", 1},
        {"\nReceived: body\n", 0},
        {"no header at all\nReceived: a\n", 1},
    };
    for (const Row& row : rows) {
        for (std::size_t step = 1; step <= row.text.size() + 1; ++step) {
            CAPTURE(row.text, step);
            CHECK(hops_of(row.text, step) == row.hops);
        }
    }
}

}  // namespace
}  // namespace holdfast::smtpin
