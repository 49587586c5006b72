#include "smtpd/mail/message_text.h"

#include <string>

#include "tests/catch.h"

using holdfast::LoneDot;
using holdfast::MessageText;

namespace {

using namespace std::string_literals;

std::string in_pieces(std::string_view input, std::size_t piece, LoneDot rule) {
    MessageText form(rule);
    std::string text;
    for (std::size_t i = 0; i < input.size(); i += piece) text += form.feed(input.substr(i, piece));
    return text += form.finish();
}

std::string dotted(std::string_view input) {
    return in_pieces(input, input.size() + 1, LoneDot::ends_input);
}

std::string undotted(std::string_view input) {
    return in_pieces(input, input.size() + 1, LoneDot::is_text);
}

}  // namespace

TEST_CASE("F57 line ends are made LF line by line") {
    CHECK(dotted("a\r\nb\nc\r\r\n\r\n") == "a\nb\nc\n\n");
    CHECK(dotted("10%\r20%\rdone\n") == "10% 20% done\n");
    CHECK(dotted("a\r\rb\r\n") == "a  b\n");
    CHECK(dotted("Subject: x\n\rBcc: y\n") == "Subject: x\n Bcc: y\n");
    CHECK(dotted("a\0b\n\0"s) == "ab\n");
    CHECK(dotted("a\r\0\n"s) == "a\n");
}

TEST_CASE("F21 a piece brings forth what it holds, and hardly more") {
    MessageText form(LoneDot::ends_input);
    std::string text = form.feed("a\n.");
    for (int i = 0; i < 100; ++i) {
        const std::string more = form.feed(std::string(1000, '\r'));
        CHECK(more.size() <= 1000 + MessageText::max_carriage_returns + 1);
        text += more;
    }
    const std::string last = form.feed("b\n");
    CHECK(last.size() <= MessageText::max_carriage_returns + 2);
    CHECK(text + last == "a\n." + std::string(100'000, ' ') + "b\n");
}

TEST_CASE("a last line without an end gets one, and an empty input stays empty") {
    CHECK(dotted("a") == "a\n");
    CHECK(dotted("a\r") == "a\n");
    CHECK(dotted("a\n") == "a\n");
    CHECK(dotted("a\n\r") == "a\n");
    CHECK(dotted("") == "");
    CHECK(dotted("\n") == "\n");
}

TEST_CASE("a lone dot ends the input, whatever ends its line") {
    CHECK(dotted("a\n.\nb\n") == "a\n");
    CHECK(dotted("a\n.\r\nb\n") == "a\n");
    CHECK(dotted(".") == "");
    CHECK(dotted("a\n.\r") == "a\n");
    CHECK(dotted("a\n..\n.x\n. \n \n.\rb\n") == "a\n..\n.x\n. \n \n. b\n");
    MessageText form(LoneDot::ends_input);
    CHECK(form.feed("a\n.") == "a\n");
    CHECK_FALSE(form.ended());
    CHECK(form.feed("\nb").empty());
    CHECK(form.ended());
    CHECK(form.finish().empty());
}

TEST_CASE("with -i a lone dot is text") {
    CHECK(undotted("a\n.\nb\n.") == "a\n.\nb\n.\n");
    CHECK(undotted(".\r\n") == ".\n");
}

TEST_CASE("the text does not depend on how the input was cut, and passes through unchanged") {
    const std::string many(2 * MessageText::max_carriage_returns + 1, '\r');
    const std::string input =
        "a\r\n.b\r\r\n..\n\0.\rc\n\r.\n"s + many + "\n." + many + "\n.\r\r\r\nafter\n";
    for (const LoneDot rule : {LoneDot::ends_input, LoneDot::is_text}) {
        const std::string whole = in_pieces(input, input.size(), rule);
        for (std::size_t piece = 1; piece < input.size(); ++piece) {
            CHECK(in_pieces(input, piece, rule) == whole);
        }
        CHECK(undotted(whole) == whole);
    }
}
