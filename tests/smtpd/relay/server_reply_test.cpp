#include "smtpd/relay/server_reply.h"

#include "tests/catch.h"

namespace holdfast::relay {
namespace {

// The only reply in it.
ServerReply reply_of(std::string_view bytes) {
    ReplyReader reader;
    auto taken = reader.take(bytes);
    REQUIRE(taken);
    REQUIRE(taken->reply);
    CHECK(taken->used == bytes.size());
    return *taken->reply;
}

std::string error_of(std::string_view bytes) {
    ReplyReader reader;
    const auto taken = reader.take(bytes);
    REQUIRE_FALSE(taken);
    return taken.error().text();
}

TEST_CASE("a reply is a code and its lines") {
    const ServerReply reply = reply_of("250-mx.example\r\n250-SIZE 100\r\n250 DSN\r\n");
    CHECK(reply.code == 250);
    CHECK(reply.lines == std::vector<std::string>{"mx.example", "SIZE 100", "DSN"});
    CHECK(reply.positive());
}

TEST_CASE("a reply may have no text, and lines may end with LF alone") {
    CHECK(reply_of("354\r\n").code == 354);
    CHECK(reply_of("250 \r\n").lines == std::vector<std::string>{""});
    CHECK(reply_of("250-a\n250 b\n").lines == std::vector<std::string>{"a", "b"});
    CHECK(reply_of("250-\r\n250\r\n").lines.size() == 2);
}

TEST_CASE("replies are the same however the bytes were cut, one at a time") {
    const std::string bytes = "220-one\r\n220 two\r\n354 go\r\n";
    ReplyReader reader;
    std::vector<ServerReply> replies;
    for (const char byte : bytes) {
        const auto taken = reader.take({&byte, 1});
        REQUIRE(taken);
        CHECK(taken->used == 1);
        CHECK(reader.within_reply() == !taken->reply.has_value());
        if (taken->reply) replies.push_back(*taken->reply);
    }
    REQUIRE(replies.size() == 2);
    CHECK(full_text(replies[0]) == "220 one / two");
    CHECK(full_text(replies[1]) == "354 go");
}

TEST_CASE("one reply is taken and the next one left") {
    ReplyReader reader;
    const auto taken = reader.take("250 a\r\n550 b\r\n");
    REQUIRE(taken);
    CHECK(taken->used == 7);
    CHECK(taken->reply->code == 250);
}

TEST_CASE("the enhanced status is the reply's where it is of the same class") {
    CHECK(enhanced_status(reply_of("550 5.1.1 no such user\r\n")) == "5.1.1");
    CHECK(enhanced_status(reply_of("250 2.0.0\r\n")) == "2.0.0");
    CHECK(enhanced_status(reply_of("452 4.123.456 x\r\n")) == "4.123.456");
    for (const char* none :
         {"550 4.1.1 x\r\n", "550 5.1 x\r\n", "550 5.1.1x\r\n", "550 5..1 x\r\n",
          "550 5.1.1234 x\r\n", "550 no 5.1.1\r\n", "550\r\n", "550 5\r\n", "550 5.1.\r\n"}) {
        CHECK(enhanced_status(reply_of(none)) == "");
    }
}

TEST_CASE("the whole text is one line, and a status that is repeated is said once") {
    CHECK(full_text(reply_of("550-5.7.1 blocked\r\n550-5.7.1  see https://x.example\r\n"
                             "550 5.7.1\r\n")) == "550 5.7.1 blocked / see https://x.example");
    CHECK(full_text(reply_of("421\r\n")) == "421");
    CHECK(full_text(reply_of("550-\r\n550 late\r\n")) == "550 / late");
}

TEST_CASE("F24 control bytes of a reply are shown and not passed on") {
    CHECK(full_text(reply_of(std::string("550 a\0b\x1b[31mc\rd\te\x9b\r\n", 20))) ==
          "550 a\\x00b\\x1B[31mc\\rd\\te\\x9B");
    CHECK(full_text(reply_of("550 caf\xc3\xa9 \xe2\x80\xae\r\n")) == "550 caf\xc3\xa9 \\u{202E}");
}

TEST_CASE("F24 a text that is too long is cut between two characters") {
    std::string line = "550 ";
    for (int i = 0; i < 1000; ++i) line += "\xc3\xa9";
    const std::string text = full_text(reply_of(line + "\r\n"));
    CHECK(text.size() <= max_full_text);
    CHECK(text.ends_with("\xc3\xa9..."));
    std::string lines;
    for (int i = 0; i < 50; ++i) lines += "550-" + std::string(100, 'a') + "\r\n";
    const std::string cut = full_text(reply_of(lines + "550 end\r\n"));
    CHECK(cut.size() == max_full_text);
    CHECK(cut.ends_with("aaa..."));
}

TEST_CASE("F24 a line or a reply without end is an error, and nothing is kept of it") {
    CHECK(error_of("250 " + std::string(max_reply_line, 'a')) ==
          "the server's reply has a line of more than 4096 bytes");
    std::string lines;
    for (std::size_t i = 0; i < max_reply_lines; ++i) lines += "250-a\r\n";
    CHECK(error_of(lines + "250 b\r\n") == "the server's reply has more than 200 lines");
}

TEST_CASE("F24 of a long reply so much is kept, and its end is found") {
    std::string bytes;
    for (int i = 0; i < 150; ++i) bytes += "250-" + std::string(4000, 'a') + "\r\n";
    const ServerReply reply = reply_of(bytes + "250 b\r\n");
    std::size_t kept = 0;
    for (const std::string& line : reply.lines) kept += line.size();
    CHECK(kept == max_reply_bytes);
    CHECK(reply.lines.size() == 151);
}

TEST_CASE("F24 lines of different codes are an error") {
    CHECK(error_of("250-a\r\n550 b\r\n") ==
          "the server's reply has lines of different codes, 250 and 550");
}

TEST_CASE("F24 what is no reply is an error as soon as it cannot become one") {
    for (const char* bytes : {"\r\n", "25\r\n", "2500 x\r\n", "250x\r\n", "250\rx\r\n", "150 x\r\n",
                              "650 x\r\n", "HTTP/1.1 400", "S", "\x15\x03\x01", "-250", "2\n"}) {
        CHECK(error_of(bytes).starts_with("the server says what is no reply: \""));
    }
    CHECK(error_of("HTTP/1.1 400 \"Bad\"\x1b") ==
          "the server says what is no reply: \"HTTP/1.1 400 \\\"Bad\\\"\\x1B\"");
    CHECK(error_of("x" + std::string(3000, 'a')).size() < 150);
}

}  // namespace
}  // namespace holdfast::relay
