#include "queue/record.h"

#include <algorithm>

#include "smtpd/base/crc32c.h"
#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

std::string encode(const Envelope& envelope, std::string_view body = "") {
    const std::string text = encode_envelope(envelope);
    BodyPlace place;
    place.length = body.size();
    return encode_first_line(text, place).text + text;
}

std::expected<Envelope, Flaw> decode(std::string_view bytes) {
    const auto line = parse_first_line(bytes);
    if (!line) return std::unexpected(Flaw::damaged);
    return parse_envelope(*line, bytes);
}

// The same text with a first line that fits it, as if somebody had written it on purpose.
std::string resealed(std::string envelope, char version) {
    std::string line = encode_first_line(envelope, {}).text;
    line[15] = version;
    const std::string summed = line.substr(0, first_line_length - 9);
    std::array<char, 9> crc{};
    std::snprintf(crc.data(), crc.size(), "%08x", crc32c(summed, crc32c(envelope)));
    return summed + crc.data() + "\n" + envelope;
}

}  // namespace

TEST_CASE("an envelope comes back as it was written") {
    Envelope envelope = sample_envelope(1, 3);
    envelope.source = Source::local;
    envelope.uid = 4294967295;
    envelope.sender = "";
    envelope.eight_bit = true;
    envelope.ret = Return::headers;
    envelope.envid = "Q1 +=";
    envelope.recipients[0].address = "-";
    envelope.recipients[1].original = "rfc822;\"a b\"@\xc3\xa9.example";
    envelope.recipients[2].notify = notify_never;
    CHECK(decode(encode(envelope)) == envelope);
}

TEST_CASE("a queue file is text that people can read") {
    const std::string text = encode(sample_envelope(1), "Hello.\n");
    const char* expected =
        "holdfast-queue 1 body 000000000007 00000000 envelope 00000226 90822297\n"
        "id 01KAQ000000000000000000001\n"
        "admitted 2027-01-15T08:00:00.000Z\n"
        "source smtp\n"
        "uid 0\n"
        "client [192.0.2.1]:4711\n"
        "helo client.example\n"
        "sender a@example.org\n"
        "body 7bit\n"
        "return unspecified\n"
        "envid -\n"
        "recipient r0@example.net - failure,delay\n"
        "\n";
    CHECK(text == expected);
}

TEST_CASE("F28 no byte in a field writes another field") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string hostile = std::string("x") + static_cast<char>(byte) +
                                    "recipient evil@example.org - none\n\nSubject: evil\n";
        Envelope envelope = sample_envelope(1, 2);
        envelope.client = envelope.helo = envelope.sender = envelope.envid = hostile;
        envelope.recipients[0].address = envelope.recipients[0].original = hostile;
        const std::string text = encode(envelope);
        // 11 keys, one more recipient, the first line and the empty one.
        CHECK(std::count(text.begin(), text.end(), '\n') == 14);
        CHECK(decode(text) == envelope);
    }
}

TEST_CASE("times outside 1970 to 9999 become the nearest end") {
    Envelope envelope = sample_envelope(1);
    envelope.admitted = INT64_MIN;
    CHECK(decode(encode(envelope))->admitted == 0);
    envelope.admitted = INT64_MAX;
    CHECK(decode(encode(envelope))->admitted == 253'402'300'799'999);
}

TEST_CASE("F47 every flipped bit and every cut of an envelope is noticed") {
    const std::string text = encode(sample_envelope(1, 2), "body");
    for (std::size_t i = 0; i < text.size() * 8; ++i) {
        std::string flipped = text;
        flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << (i % 8));
        CHECK_FALSE(decode(flipped));
        CHECK_FALSE(decode(std::string_view(text).substr(0, i / 8)));
    }
}

TEST_CASE("a whole envelope of a later version is not called damaged") {
    const std::string text = "sealed yes\n\n";
    CHECK(decode(resealed(text, '2')).error() == Flaw::newer);
    CHECK(decode(resealed(text, '1')).error() == Flaw::damaged);
}

TEST_CASE("a first line that promises too much is none") {
    const std::string line = encode_first_line(std::string(100, 'x'), {0, 100, 0}).text;
    REQUIRE(parse_first_line(line));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = line;
        return parse_first_line(text.replace(text.find(from), from.size(), to));
    };
    CHECK_FALSE(with("envelope 00000100", "envelope 16777217"));
    CHECK(with("envelope 00000100", "envelope 16777216"));
    CHECK_FALSE(with("body 000000000100", "body 99999999999x"));
    CHECK_FALSE(parse_first_line(line.substr(0, line.size() - 1)));
}

TEST_CASE("only what we would have written is an envelope") {
    const std::string good = encode_envelope(sample_envelope(1));
    CHECK(decode(resealed(good, '1')));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        text.replace(text.find(from), from.size(), to);
        return decode(resealed(text, '1'));
    };
    CHECK_FALSE(with("uid 0", "uid 00"));
    CHECK_FALSE(with("uid 0", "uid 4294967296"));
    CHECK_FALSE(with("uid 0", "uid 0 0"));
    CHECK_FALSE(with("2027-01-15", "2027-02-30"));
    CHECK_FALSE(with("08:00:00", "24:00:00"));
    CHECK_FALSE(with("client.example", "%63lient.example"));
    CHECK_FALSE(with("failure,delay", "delay,failure"));
    CHECK_FALSE(with("recipient r0@example.net - failure,delay\n", ""));
    CHECK_FALSE(with("helo client.example\n", "helo client.example\nhelo client.example\n"));
    CHECK_FALSE(with("envid -\n", ""));
    CHECK_FALSE(with("delay\n\n", "delay\n\n\n"));
    CHECK_FALSE(with("delay\n\n", "delay\n"));
}

}  // namespace holdfast::queue
