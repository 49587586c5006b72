#include "smtpd/dns/answer.h"

#include "smtpd/dns/lookup.h"
#include "smtpd/dns/message.h"
#include "smtpd/dns/trust_anchors.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::dns;

namespace {

constexpr int refused = 5;

Answer answer(Meaning meaning, std::vector<std::string> records = {}) {
    return {.meaning = meaning, .records = std::move(records), .why = "why"};
}

std::string header(unsigned char flags_low, char answers) {
    std::string packet(12, '\0');
    packet[2] = '\x81';
    packet[3] = static_cast<char>(flags_low);
    packet[5] = 1;
    packet[7] = answers;
    return packet + std::string("\2mx\7example\0\0\1\0\1", 16);
}

// A record whose owner is a pointer to the question.
std::string record(char type, const std::string& rdata, char record_class = 1) {
    return std::string("\xc0\x0c\0", 3) + type + std::string("\0", 1) + record_class +
           std::string("\0\0\0\0\0", 5) + static_cast<char>(rdata.size()) + rdata;
}

constexpr char type_a = 1;
constexpr char type_cname = 5;

}  // namespace

TEST_CASE("F44 the table of what a response means: final only where it is whole and true") {
    using enum Meaning;
    using enum Security;
    struct Row {
        Response response;
        Meaning meaning;
    };
    const Row rows[] = {
        {{noerror, false, 1, insecure}, found},
        {{noerror, false, 1, secure}, found},
        {{noerror, true, 1, insecure}, found},
        {{noerror, false, 0, insecure}, no_data},
        {{noerror, false, 0, secure}, no_data},
        {{noerror, true, 0, insecure}, unavailable},
        {{nxdomain, false, 0, insecure}, no_such_name},
        {{nxdomain, false, 0, secure}, no_such_name},
        {{nxdomain, true, 0, insecure}, unavailable},
        {{servfail, false, 0, insecure}, unavailable},
        {{refused, false, 0, insecure}, unavailable},
        // Forged, or signed by a clock that is wrong: nothing that it says counts.
        {{noerror, false, 1, bogus}, unavailable},
        {{noerror, false, 0, bogus}, unavailable},
        {{nxdomain, false, 0, bogus}, unavailable},
        // Records behind an error are no answer.
        {{servfail, false, 1, insecure}, unavailable},
        {{refused, false, 1, insecure}, unavailable},
    };
    for (const Row& row : rows) {
        CAPTURE(row.response.rcode, row.response.truncated, row.response.records,
                static_cast<int>(row.response.security));
        CHECK(meaning_of(row.response) == row.meaning);
    }
    for (int rcode = -1; rcode < 0x1000; ++rcode) {
        if (rcode != noerror && rcode != nxdomain) {
            CHECK(meaning_of({.rcode = rcode}) == unavailable);
        }
    }
}

TEST_CASE("F44 what the answers for both families come to") {
    using enum Meaning;
    const Answer v6 = answer(found, {std::string(15, '\0') + '\1'});
    const Answer v4 = answer(found, {"\x7f\x7f\x7f\x7f"});
    struct Row {
        Answer ipv6;
        Answer ipv4;
        Meaning meaning;
        std::size_t addresses;
    };
    const Row rows[] = {
        {v6, v4, found, 2},
        {v6, answer(no_data), found, 1},
        {v6, answer(no_such_name), found, 1},
        {v6, answer(unavailable), found, 1},
        {answer(unavailable), v4, found, 1},
        {answer(no_data), answer(no_data), no_data, 0},
        {answer(no_such_name), answer(no_such_name), no_such_name, 0},
        // There are servers that deny a name where they mean that it has no such record.
        {answer(no_such_name), answer(no_data), no_data, 0},
        {answer(no_data), answer(no_such_name), no_data, 0},
        {answer(unavailable), answer(no_data), unavailable, 0},
        {answer(no_data), answer(unavailable), unavailable, 0},
        {answer(unavailable), answer(no_such_name), unavailable, 0},
        {answer(unavailable), answer(unavailable), unavailable, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.ipv6.meaning), static_cast<int>(row.ipv4.meaning));
        const HostAddresses result = combined("mx.example", row.ipv6, row.ipv4);
        CHECK(result.meaning == row.meaning);
        CHECK(result.addresses.size() == row.addresses);
        CHECK(result.why.empty() == (row.meaning == found));
    }
}

TEST_CASE("F25 what a lookup says of a failure is one line without control bytes") {
    Answer failed = answer(Meaning::unavailable);
    failed.why = "bogus \r\nrcpt=\"x\"\x1b[0m";
    const HostAddresses result = combined("a\nb", failed, failed);
    CHECK(result.why == "a\\nb: cannot be resolved now: bogus \\r\\nrcpt=\"x\"\\x1B[0m");
}

TEST_CASE("a response code has its name, or its number") {
    CHECK(rcode_text(0) == "NOERROR");
    CHECK(rcode_text(5) == "REFUSED");
    CHECK(rcode_text(6) == "response code 6");
    CHECK(rcode_text(-4) == "response code -4");
}

TEST_CASE("of a message the records of the type that was asked for are taken, in their order") {
    const std::string packet = header(0x80, 5) + record(type_cname, std::string("\1a\0", 3)) +
                               record(type_a, "\xc0\1\2\3") + record(28, std::string(16, 'x')) +
                               record(type_a, "zzzz", 3) + record(type_a, "\xc0\1\2\4");
    const auto a = parse_message(packet, RecordType::a);
    REQUIRE(a);
    CHECK(a->rcode == noerror);
    CHECK_FALSE(a->truncated);
    CHECK(a->records == std::vector<std::string>{"\xc0\1\2\3", "\xc0\1\2\4"});
    const auto aaaa = parse_message(packet, RecordType::aaaa);
    REQUIRE(aaaa);
    CHECK(aaaa->records == std::vector<std::string>{std::string(16, 'x')});
}

TEST_CASE("a message tells its response code and whether it was cut") {
    const auto denied = parse_message(header(0x83, 0), RecordType::a);
    REQUIRE(denied);
    CHECK(denied->rcode == nxdomain);
    std::string cut = header(0x80, 0);
    cut[2] = static_cast<char>(cut[2] | 2);
    const auto message = parse_message(cut, RecordType::a);
    REQUIRE(message);
    CHECK(message->truncated);
}

TEST_CASE("a message that ends too early, at any byte, is malformed") {
    const std::string packet =
        header(0x80, 2) + record(type_cname, "abc") + record(type_a, "\xc0\1\2\3");
    REQUIRE(parse_message(packet, RecordType::a));
    for (std::size_t length = 0; length < packet.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(parse_message(packet.substr(0, length), RecordType::a));
    }
    CHECK_FALSE(parse_message(header(0x80, 1) + record(type_a, "abc"), RecordType::a));
    CHECK_FALSE(parse_message(header(0x80, 1) + record(28, "abcd"), RecordType::aaaa));
}

TEST_CASE("F21 of very many records the first ones are kept") {
    std::string packet = header(0x80, 0);
    packet[6] = 1;  // 256 answers
    for (int i = 0; i < 256; ++i) packet += record(type_a, "\xc0\1\2\3");
    const auto message = parse_message(packet, RecordType::a);
    REQUIRE(message);
    CHECK(message->records.size() == max_records);
}

TEST_CASE("trust anchors are the keys of a file, without those that are not trusted") {
    using Anchors = std::vector<std::string>;
    CHECK(parse_trust_anchors("").empty());
    CHECK(parse_trust_anchors("; nothing\n\n.\t172800\tIN\tDNSKEY\t257 3 8 AwEA== ; root\r\n"
                              ". IN DS 20326 8 2 E06D\n. 3600 IN SOA a. b. 1 2 3 4 5\n") ==
          Anchors{".\t172800\tIN\tDNSKEY\t257 3 8 AwEA==", ". IN DS 20326 8 2 E06D"});
    CHECK(parse_trust_anchors(
              "; autotrust trust anchor file\n"
              ". 1 IN DNSKEY 257 3 8 valid ;{id = 1 (ksk)} ;;state=2 [  VALID  ] ;;count=0\n"
              ". 1 IN DNSKEY 257 3 8 pending ;{id = 2 (ksk)} ;;state=1 [ ADDPEND ]\n"
              ". 1 IN DNSKEY 257 3 8 missing ;{id = 3 (ksk)} ;;state=3 [ MISSING ]\n"
              ". 1 IN DNSKEY 257 3 8 revoked ;{id = 4 (ksk)} ;;state=4 [ REVOKED ]\n") ==
          Anchors{". 1 IN DNSKEY 257 3 8 valid", ". 1 IN DNSKEY 257 3 8 missing"});
    std::string many;
    for (int i = 0; i < 1000; ++i) many += ". IN DS 1 8 2 AA\n";
    CHECK(parse_trust_anchors(many).size() == max_trust_anchors);
}
