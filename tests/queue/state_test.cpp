#include "queue/state.h"

#include "smtpd/base/crc32c.h"
#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

constexpr std::uint32_t seed = 0x12345678;

std::string line(std::uint32_t sequence, std::uint32_t synced, LogEntry entry) {
    return encode_log_line({sequence, synced, std::move(entry)}, seed);
}

std::expected<LogReader::Summary, Flaw> read(std::string_view log, std::size_t step = 1000) {
    LogReader reader(2, seed);
    for (; !log.empty(); log.remove_prefix(std::min(step, log.size()))) {
        reader.add(log.substr(0, step));
    }
    return std::move(reader).finish();
}

LogEntry at_once(Event event) {
    return {0, std::move(event)};
}

// A line of this text with the right CRC.
std::string sealed(const std::string& text) {
    std::array<char, 10> crc{};
    std::snprintf(crc.data(), crc.size(), " %08x", crc32c(text, seed));
    return text + crc.data() + "\n";
}

}  // namespace

TEST_CASE("without a log every recipient is pending") {
    const auto summary = read("");
    REQUIRE(summary);
    CHECK_FALSE(summary->state.recipients[0].settled());
    CHECK_FALSE(summary->state.recipients[1].settled());
    CHECK(summary->cursor == LogCursor{seed, 1, 0});
}

TEST_CASE("a log adds up to the state of each recipient, in pieces of any size") {
    const MessageId bounce = sample_id(7);
    const std::string log = line(1, 0, attempted(0, Verdict::retry)) +
                            line(2, 0, at_once(Noticed{Notice::delay, bounce, {0}})) +
                            line(3, 0, attempted(0, Verdict::retry)) +
                            line(4, 0, attempted(0, Verdict::delivered)) +
                            line(5, 4, at_once(Expanded{1, {"x y", "z"}})) +
                            line(6, 4, attempted(1, Verdict::delivered, "x y")) +
                            line(7, 6, attempted(1, Verdict::retry, "z"));
    for (std::size_t step = 1; step < 100; ++step) {
        const auto summary = read(log, step);
        REQUIRE(summary);
        CHECK(summary->cursor == LogCursor{seed, 8, 6});
        const auto& [first, second] =
            std::tie(summary->state.recipients[0], summary->state.recipients[1]);
        CHECK(first.settled());
        CHECK(first.delay_noticed);
        CHECK_FALSE(first.failure_noticed);
        CHECK(first.target("").attempts == 3);
        CHECK(first.target("").progress == Progress::delivered);
        CHECK(second.expansion == std::vector<std::string>{"x y", "z"});
        CHECK(second.target("x y").progress == Progress::delivered);
        CHECK(second.target("x y").last.text == "a reply");
        CHECK(second.target("z").progress == Progress::pending);
        CHECK(second.target("z").attempts == 1);
        CHECK_FALSE(second.settled());
    }
}

TEST_CASE("a failure notice is remembered by its id") {
    const auto summary = read(line(1, 0, at_once(Noticed{Notice::failure, sample_id(7), {0, 1}})));
    REQUIRE(summary);
}

TEST_CASE("what is settled stays settled, and the first expansion stays") {
    const auto summary =
        read(line(1, 0, attempted(0, Verdict::refused)) + line(2, 0, attempted(0, Verdict::retry)) +
             line(3, 0, attempted(0, Verdict::delivered)) + line(4, 0, at_once(Expanded{1, {}})) +
             line(5, 0, at_once(Expanded{1, {"later"}})));
    REQUIRE(summary);
    CHECK(summary->state.recipients[0].target("").progress == Progress::refused);
    CHECK(summary->state.recipients[1].settled());
}

TEST_CASE("a torn last line does not count, and the next append stands on a line of its own") {
    const std::string whole = line(1, 0, attempted(0, Verdict::retry));
    const std::string torn = line(2, 0, attempted(0, Verdict::delivered));
    for (std::size_t cut = 1; cut + 9 < torn.size(); ++cut) {
        const auto summary = read(whole + torn.substr(0, cut));
        REQUIRE(summary);
        CHECK_FALSE(summary->state.recipients[0].settled());
        CHECK(summary->cursor.next == 2);
        const auto later =
            read(whole + torn.substr(0, cut) + "\n" + line(2, 0, attempted(1, Verdict::delivered)));
        REQUIRE(later);
        CHECK(later->state.recipients[1].settled());
        CHECK(later->cursor.next == 3);
    }
}

TEST_CASE("a lost line that was never synced is no damage, and its number is used again") {
    // Its block was never written: zeros, up to the empty line of the append behind it.
    const std::string third = "\n" + line(3, 1, attempted(0, Verdict::retry));
    const auto summary =
        read(line(1, 0, attempted(0, Verdict::retry)) + std::string(80, '\0') + third);
    REQUIRE(summary);
    CHECK(summary->cursor == LogCursor{seed, 2, 1});
    CHECK(summary->state.ignored_lines == 1);
    CHECK(summary->state.recipients[0].target("").attempts == 2);
}

TEST_CASE("F47 a damaged line that was synced is damage, wherever it stands") {
    const std::string first = line(1, 0, attempted(0, Verdict::delivered));
    const std::string second = line(2, 1, attempted(1, Verdict::retry));
    // All but its line feed, in whose place the next append's empty line serves.
    for (std::size_t i = 0; i < (first.size() - 1) * 8; ++i) {
        std::string flipped = first;
        flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << (i % 8));
        CHECK(read(flipped + "\n" + second).error() == Flaw::damaged);
    }
    CHECK(read(second).error() == Flaw::damaged);
}

TEST_CASE("F47 every flipped bit of a log line makes it no line") {
    std::string text = line(1, 0, attempted(0, Verdict::delivered, "x"));
    text.pop_back();
    REQUIRE(parse_log_line(text, seed));
    for (std::size_t i = 0; i < text.size() * 8; ++i) {
        std::string flipped = text;
        flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << (i % 8));
        CHECK_FALSE(parse_log_line(flipped, seed));
    }
}

TEST_CASE("a line of another message does not count") {
    const auto summary = read(encode_log_line({1, 0, attempted(0, Verdict::delivered)}, seed + 1));
    REQUIRE(summary);
    CHECK_FALSE(summary->state.recipients[0].settled());
}

TEST_CASE("a recipient that is not there is damage, an event that is unknown a later version's") {
    CHECK(read(line(1, 0, attempted(2, Verdict::delivered))).error() == Flaw::damaged);
    CHECK(read(sealed("1 0 2027-01-15T08:00:00.000Z frozen")).error() == Flaw::newer);
    const std::string expanded = "1 0 2027-01-15T08:00:00.000Z expanded 1";
    CHECK(read(sealed(expanded))->state.recipients[1].expanded);
    CHECK(read(sealed(expanded + " %41")).error() == Flaw::newer);
    CHECK(read(sealed("1 0 2027-01-15T08:00:00.000Z noticed failure")).error() == Flaw::newer);
}

TEST_CASE("F28 a reply cannot write a line of its own") {
    LogEntry entry = attempted(0, Verdict::retry);
    std::get<Attempted>(entry.event).outcome.text =
        "x\n" + line(2, 0, attempted(0, Verdict::delivered)) + "\n";
    const std::string text = line(1, 0, entry);
    CHECK(text.find('\n') == text.size() - 1);
    const auto summary = read(text);
    REQUIRE(summary);
    CHECK(summary->state.recipients[0].target("").last.text ==
          std::get<Attempted>(entry.event).outcome.text);
    CHECK_FALSE(summary->state.recipients[0].settled());
}

TEST_CASE("a line longer than any of ours is skipped in bounded memory") {
    const LogEntry endless = at_once(Expanded{1, {std::string(3 * max_log_line, 'x')}});
    const auto summary =
        read(line(1, 0, endless) + line(1, 0, attempted(0, Verdict::delivered)), 65'536);
    REQUIRE(summary);
    CHECK(summary->state.ignored_lines == 1);
    CHECK_FALSE(summary->state.recipients[1].expanded);
    CHECK(summary->state.recipients[0].settled());
}

}  // namespace holdfast::queue
