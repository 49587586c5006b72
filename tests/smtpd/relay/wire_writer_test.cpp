#include "smtpd/relay/wire_writer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "smtpd/mail/data_decoder.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::relay;

namespace {

// Pieces of `step` bytes; the end apart.
struct Written {
    std::string before;
    std::string end;
    std::uint64_t chunks = 0;
};

Written write(WireForm form, std::string_view text, std::size_t step) {
    WireWriter writer(form);
    Written written;
    for (std::size_t at = 0; at < text.size(); at += step) {
        written.before += writer.feed(text.substr(at, step));
    }
    written.end = writer.finish();
    written.chunks = writer.chunks();
    return written;
}

// What a server is to have: the text, its last line ended, without what no message may hold.
std::string expected(std::string text) {
    std::ranges::replace(text, '\r', ' ');
    std::ranges::replace(text, '\0', ' ');
    if (!text.empty() && text.back() != '\n') text.push_back('\n');
    return text;
}

bool has_bare_line_end(std::string_view wire) {
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (wire[i] == '\r' && wire.substr(i, 2) != "\r\n") return true;
        if (wire[i] == '\n' && (i == 0 || wire[i - 1] != '\r')) return true;
    }
    return false;
}

std::vector<std::string> strings_up_to(std::size_t length, std::string_view alphabet) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].size() == length) continue;
        for (const char c : alphabet) all.push_back(all[i] + c);
    }
    return all;
}

// The payload of BDAT commands, one of which is the last.
struct Payload {
    std::string text;
    std::uint64_t chunks = 0;
    bool ended = false;
    bool split_line_end = false;
};

Payload payload_of(std::string_view wire) {
    Payload payload;
    while (!payload.ended && wire.starts_with("BDAT ")) {
        const std::size_t end = wire.find("\r\n");
        std::string_view command = wire.substr(5, end - 5);
        const std::size_t length = std::stoul(std::string(command));
        payload.ended = command == std::to_string(length) + " LAST";
        if (!payload.ended && command != std::to_string(length)) return {};
        wire.remove_prefix(end + 2);
        payload.text += wire.substr(0, length);
        payload.split_line_end |= payload.text.ends_with('\r');
        ++payload.chunks;
        wire.remove_prefix(std::min(length, wire.size()));
    }
    if (!wire.empty()) payload.ended = false;
    return payload;
}

}  // namespace

TEST_CASE("F16 whatever a message holds, its end is the only end a server sees") {
    std::size_t checked = 0;
    for (const std::string& text : strings_up_to(7, "\r\n.x")) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{8}}) {
            const Written written = write(WireForm::dotted, text, step);
            const std::string wire = written.before + written.end;
            DataDecoder decoder;
            const std::size_t used = decoder.feed(wire);
            ++checked;
            if (decoder.stage() == DataDecoder::Stage::end && used == wire.size() &&
                !has_bare_line_end(wire) && decoder.take_body() == expected(text)) {
                continue;
            }
            CAPTURE(text, step, wire);
            FAIL("a server reads something else");
        }
    }
    CHECK(checked == std::size_t{3} * (4 * 4 * 4 * 4 * 4 * 4 * 4 * 4 - 1) / 3);
}

TEST_CASE("F16 nothing of the end leaves before finish()") {
    for (const std::string& text : strings_up_to(6, "\r\n.x")) {
        const Written written = write(WireForm::dotted, text, 2);
        DataDecoder decoder;
        decoder.feed(written.before);
        if (decoder.stage() != DataDecoder::Stage::body) FAIL(text);
        const bool open = !expected(text).empty() && text.back() != '\n';
        if (written.end != (open ? "\r\n.\r\n" : ".\r\n")) FAIL(text);
    }
}

TEST_CASE("F16 a NUL becomes a space, at the beginning of a line as well") {
    const std::string text("a\0b\n\0.\n\0\n", 9);
    const Written written = write(WireForm::dotted, text, 100);
    CHECK(written.before + written.end == "a b\r\n .\r\n \r\n.\r\n");
}

TEST_CASE("F16 chunks hold the message as it is, without bare line ends") {
    for (const std::string& text : strings_up_to(6, "\r\n.x")) {
        const Written written = write(WireForm::chunked, text, 2);
        const Payload payload = payload_of(written.before + written.end);
        if (!payload.ended || has_bare_line_end(payload.text)) FAIL(text);
        std::string lines = payload.text;
        std::erase(lines, '\r');
        if (lines != expected(text)) FAIL(text);
        if (!written.before.empty() || payload.chunks != 1 || written.chunks != 1) FAIL(text);
    }
}

TEST_CASE("dots are stuffed at the beginning of lines, wherever the message is cut") {
    const std::string text = ".\n..\na.\n.b\n\n.c\n";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        const Written written = write(WireForm::dotted, text, step);
        CHECK(written.before == "..\r\n...\r\na.\r\n..b\r\n\r\n..c\r\n");
        CHECK(written.end == ".\r\n");
    }
}

TEST_CASE("an empty message is the end alone") {
    CHECK(write(WireForm::dotted, "", 1).end == ".\r\n");
    const Written chunked = write(WireForm::chunked, "", 1);
    CHECK(chunked.before.empty());
    CHECK(chunked.end == "BDAT 0 LAST\r\n");
}

TEST_CASE("chunks are of bounded size, no line end is split, and the last one is not empty") {
    // Every position of the line end against the end of a chunk.
    for (std::size_t line = 70; line < 74; ++line) {
        std::string text;
        while (text.size() < 700'000) text += std::string(line, 'x') + "\n";
        const Written written = write(WireForm::chunked, text, 65'536);
        const Payload payload = payload_of(written.before + written.end);
        CHECK(payload.ended);
        CHECK_FALSE(payload.split_line_end);
        CHECK(payload.chunks == 3);
        CHECK(written.chunks == 3);
        CHECK(payload_of(written.before).chunks == 2);
        CHECK(written.end.size() > 100'000);
        CHECK(written.before.size() <= 2 * (WireWriter::max_chunk + 20));
        std::string lines = payload.text;
        std::erase(lines, '\r');
        CHECK(lines == text);
    }
    const Written split =
        write(WireForm::chunked, std::string(WireWriter::max_chunk - 1, 'x') + "\ny\n", 7);
    CHECK(split.before.starts_with("BDAT " + std::to_string(WireWriter::max_chunk - 1) + "\r\n"));
    const Written full =
        write(WireForm::chunked, std::string(WireWriter::max_chunk - 2, 'x') + "\n", 7);
    CHECK(full.before.empty());
    CHECK(full.chunks == 1);
}

TEST_CASE("a chunk leaves as soon as it is full") {
    WireWriter writer(WireForm::chunked);
    const std::string piece(64 * 1024, 'x');
    std::size_t out = 0;
    for (int i = 0; i < 100; ++i) {
        out += writer.feed(piece).size();
        CHECK(static_cast<std::size_t>(i + 1) * piece.size() <= out + WireWriter::max_chunk);
    }
}
