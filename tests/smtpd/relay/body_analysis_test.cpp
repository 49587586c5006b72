#include "smtpd/relay/body_analysis.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace holdfast::relay;

namespace {

MessageFacts analysed(std::string_view text, std::size_t step = 100'000) {
    BodyAnalysis analysis;
    for (std::size_t at = 0; at < text.size(); at += step) analysis.feed(text.substr(at, step));
    return analysis.finish();
}

std::vector<Shape> shapes(std::string_view text) {
    std::vector<Shape> all;
    for (const PartFacts& part : analysed(text).parts) all.push_back(part.shape);
    return all;
}

Shape shape_of(const std::string& header) {
    return analysed(header + "\nx\n").parts.at(0).shape;
}

// "1", "0": whether a line of `length` bytes is too long.
bool has_long_line(std::size_t length, std::string_view end) {
    return analysed("A: b\n\n" + std::string(length, 'x').append(end), 100).long_lines();
}

}  // namespace

TEST_CASE("bytes above 0x7f are found, in the header and in the body apart") {
    CHECK_FALSE(analysed("").header_eight_bit());
    CHECK_FALSE(analysed("A: b\n\nc\x7f\n").body_eight_bit());
    const MessageFacts header = analysed("A: \x80\n\nb\n");
    CHECK(header.header_eight_bit());
    CHECK_FALSE(header.body_eight_bit());
    const MessageFacts body = analysed("A: b\n\n\xff\n");
    CHECK_FALSE(body.header_eight_bit());
    CHECK(body.body_eight_bit());
    CHECK(analysed("\x80\n").body_eight_bit());
    const MessageFacts nested = analysed("Content-Type: message/rfc822\n\nA: \x80\n\nb\n");
    CHECK_FALSE(nested.header_eight_bit());
    CHECK(nested.body_eight_bit());
}

TEST_CASE("F51 a line is too long from 999 bytes on, its end not counted") {
    CHECK_FALSE(has_long_line(998, "\n"));
    CHECK_FALSE(has_long_line(998, ""));
    CHECK(has_long_line(999, "\n"));
    CHECK(has_long_line(999, ""));
    CHECK(has_long_line(100'000, "\n"));
    CHECK(analysed("A: " + std::string(996, 'x') + "\n\nb\n").parts.at(0).header_long_line);
    CHECK_FALSE(analysed("A: " + std::string(995, 'x') + "\n\nb\n").long_lines());
}

TEST_CASE("parts are told apart by what may be done to them") {
    CHECK(shape_of("") == Shape::text);
    CHECK(shape_of("Content-Type: text\n") == Shape::text);
    CHECK(shape_of("Content-Type: TEXT/html; charset=x\n") == Shape::text);
    CHECK(shape_of("Content-type :\n (a) text/plain (b)\n") == Shape::text);
    CHECK(shape_of("Content-Type: image/png\n") == Shape::data);
    CHECK(shape_of("Content-Type: text/x\nContent-Transfer-Encoding: (a) Binary\n") == Shape::data);
    CHECK(shape_of("Content-Transfer-Encoding: quoted-PRINTABLE (a)\n") == Shape::quoted_printable);
    CHECK(shape_of("Content-Transfer-Encoding: base64;\nContent-Type: a/b\n") == Shape::base64);
    CHECK(shape_of("Content-Type: multipart/x; boundary=b\n") == Shape::multipart);
    CHECK(shape_of("Content-Type: multipart/x\n") == Shape::text);
    CHECK(shape_of("Content-Type: multipart/x; boundary=\"\"\n") == Shape::text);
    CHECK(shape_of("Content-Type: multipart/x; boundary=\xe4; boundary=b\n") == Shape::text);
    CHECK(shape_of("Content-Type: multipart/x; Boundary*0=a; boundary=b\n") == Shape::text);
    CHECK(shape_of("Content-Type: multipart/signed; boundary=b\n") == Shape::sealed);
    CHECK(shape_of("Content-Type: Multipart/Encrypted; boundary=b\n") == Shape::sealed);
    CHECK(shape_of("Content-Type: message/partial; id=1\n") == Shape::sealed);
    CHECK(shape_of("Content-Type: message/rfc822\n") == Shape::message);
    CHECK(shape_of("Content-Type: message/delivery-status\n") == Shape::text);
    CHECK(shape_of("Content-Type: message/global\n") == Shape::data);
    CHECK(shape_of("Content-Type: a/b\nContent-Type: text/plain\n") == Shape::data);
    CHECK(shape_of("Content-Transfer-Encoding: x\nContent-Transfer-Encoding: base64\n") ==
          Shape::text);
}

TEST_CASE("boundaries are found as mail programs write them") {
    const std::vector<std::string> types{
        "multipart/mixed; boundary=abc",
        "multipart/mixed;\n\tBOUNDARY = \"abc\" ; charset=x",
        "multipart/mixed; charset=\"b=\\\";\"; boundary=\"a\\bc\"",
        "multipart/mixed (a; boundary=x) ; (b) boundary (c) = (d) abc (e)",
        "multipart/mixed; boundary=\"abc  \"",
        "multipart/mixed; type=\"a/b\" boundary=abc",
        "multipart/mixed; boundary=\"abc",
    };
    for (const std::string& type : types) {
        INFO(type);
        for (const char* delimiter : {"--abc", "--abc \t"}) {
            const std::string text = "Content-Type: " + type + "\n\npre\n" + delimiter +
                                     "\n\none\n" + delimiter + "\n\n\xe4\n--abc-- \n\x80\n";
            const MessageFacts facts = analysed(text);
            REQUIRE(facts.parts.size() == 3);
            CHECK(facts.parts[0].shape == Shape::multipart);
            CHECK(facts.parts[0].has_parts);
            CHECK(facts.parts[0].text_eight_bit);
            CHECK_FALSE(facts.parts[1].text_eight_bit);
            CHECK(facts.parts[2].text_eight_bit);
        }
    }
    CHECK(shapes("Content-Type: multipart/x; boundary=a=b:c/d\n\n--a=b:c/d\n\n").size() == 2);
}

TEST_CASE("what only looks like a delimiter is none") {
    for (const char* line : {"--abcd", "--ab", "---abc", " --abc", "--abc -- x", "--abc--x",
                             "--abc --", "-- abc", "--ABC"}) {
        const std::string text =
            "Content-Type: multipart/x; boundary=abc\n\n" + std::string(line) + "\n\nx\n";
        INFO(line);
        CHECK(shapes(text).size() == 1);
        CHECK_FALSE(analysed(text).parts[0].has_parts);
    }
}

TEST_CASE("parts nest, and a delimiter outside ends all that is inside") {
    const std::string text =
        "Content-Type: multipart/mixed; boundary=o\n\n"
        "--o\nContent-Type: multipart/alternative; boundary=oi\n\n"
        "--oi\n\none\n--oi\nContent-Type: image/png\n\ntwo\n"  // not closed
        "--o\nContent-Type: message/rfc822\n\n"
        "Subject: x\nContent-Type: multipart/mixed; boundary=n\n\n--n\n\nthree\n--n--\nepilogue\n"
        "--o\nContent-Type: multipart/digest; boundary=d\n\n"
        "--d\n\nSubject: four\n\nfour\n--d\nContent-Type: text/plain\n\nfive\n--d--\n"
        "--o\nContent-Type: multipart/signed; boundary=s\n\n--s\n\nsix\n--s--\n"
        "--o--\n--o\nepilogue\n";
    CHECK(shapes(text) == std::vector<Shape>{Shape::multipart, Shape::multipart, Shape::text,
                                             Shape::data, Shape::message, Shape::multipart,
                                             Shape::text, Shape::multipart, Shape::message,
                                             Shape::text, Shape::text, Shape::sealed});
}

TEST_CASE("a header may end without a blank line") {
    CHECK(shapes("Content-Type: multipart/x; boundary=b\n--b\nA: b\n--b\n--b--\n").size() == 3);
    CHECK(analysed("Content-Type: image/x\n\xe4\n").parts[0].text_eight_bit);
    CHECK(analysed("Content-Type: image/x\n").parts[0].shape == Shape::data);
    CHECK(analysed("Content-Type: image/x").parts[0].shape == Shape::data);
    CHECK(shapes("Content-Type: message/rfc822\nno field\n") ==
          std::vector<Shape>{Shape::message, Shape::text});
}

TEST_CASE("UTF-8 is known for what it is, wherever it is cut") {
    for (const char* text : {"M\xc3\xbc\n", "\xf0\x9f\x99\x82\n\xe2\x82\xac\n"}) {
        const std::string message = "A: b\n\n" + std::string(1200, 'x') + text;
        for (std::size_t step = 1; step < 9; ++step) {
            CHECK(analysed(message, step).parts[0].text_utf8);
        }
    }
    for (const char* text : {"M\xfc\n", "\xc3\n\xbc", "\xc3", "\xed\xa0\x80", "\xc3\xbc\xbc\n"}) {
        const std::string message = "A: b\n\n" + std::string(1200, 'x') + text;
        for (std::size_t step = 1; step < 9; ++step) {
            CHECK_FALSE(analysed(message, step).parts[0].text_utf8);
        }
    }
}

TEST_CASE("whether a text is UTF-8 is no matter of other texts") {
    const MessageFacts facts = analysed(
        "Content-Type: multipart/x; boundary=b\n\n--b\n\n\xfc\n--b\n\n\xc3\xbc\n--b\n\n\xfc\n");
    REQUIRE(facts.parts.size() == 4);
    CHECK_FALSE(facts.parts[1].text_utf8);
    CHECK(facts.parts[2].text_utf8);
    CHECK_FALSE(facts.parts[3].text_utf8);
}

TEST_CASE("mbox lines belong to the header of a message, not to that of a part") {
    const std::string type = "From x\nContent-Type: image/png\n\ny\n";
    CHECK(shapes(type) == std::vector<Shape>{Shape::data});
    CHECK(shapes("Content-Type: multipart/x; boundary=b\n\n--b\n" + type) ==
          std::vector<Shape>{Shape::multipart, Shape::text});
    CHECK(shapes("Content-Type: message/rfc822\n\n>From y\n" + type) ==
          std::vector<Shape>{Shape::message, Shape::data});
}

TEST_CASE("F51 a name that leaves no room in its line is no field") {
    CHECK(analysed(std::string(899, 'A') + ": \xe4\n\n").header_eight_bit());
    CHECK_FALSE(analysed(std::string(900, 'A') + ": \xe4\n\n").header_eight_bit());
    CHECK_FALSE(analysed("A" + std::string(900, ' ') + ": \xe4\n\n").header_eight_bit());
}

TEST_CASE("F21 parts and their nesting are counted up to a bound") {
    std::string many = "Content-Type: multipart/x; boundary=b\n\n";
    for (int i = 0; i < 5000; ++i) many += "--b\n\npart\n";
    const MessageFacts facts = analysed(many + "\xe4\n");
    CHECK(facts.parts.size() == MimeReader::max_parts + 1);
    CHECK(facts.parts.back().shape == Shape::unread);
    CHECK(facts.parts.back().text_eight_bit);
    CHECK_FALSE(obstacle(facts, Octets::eight_bit_body));
    CHECK(obstacle(facts, Octets::seven_bit));

    std::string deep;
    for (int i = 0; i < 200; ++i) {
        const std::string boundary = std::to_string(i);
        deep += "Content-Type: multipart/x; boundary=" + boundary + "\n\n--" + boundary + "\n";
    }
    const std::vector<Shape> nested = shapes(deep + "\n\xe4\n");
    CHECK(nested.size() == MimeReader::max_nesting + 1);
    CHECK(nested.back() == Shape::unread);
}

TEST_CASE("what a server takes decides what has to change") {
    const MessageFacts plain = analysed("A: b\n\nc\n");
    const MessageFacts header = analysed("A: \x80\n\nc\n");
    const MessageFacts body = analysed("A: b\n\n\x80\n");
    const MessageFacts line = analysed("A: b\n\n" + std::string(999, 'x') + "\n");
    const MessageFacts none = MessageFacts();
    for (const Octets octets : {Octets::seven_bit, Octets::eight_bit_body, Octets::utf8}) {
        CHECK_FALSE(needs_conversion(none, octets));
        CHECK_FALSE(needs_conversion(plain, octets));
        CHECK(needs_conversion(line, octets));
        CHECK(needs_conversion(header, octets) == (octets != Octets::utf8));
        CHECK(needs_conversion(body, octets) == (octets == Octets::seven_bit));
    }
}

TEST_CASE("what is signed cannot change, and what is too much in it is told") {
    const std::string front =
        "Content-Type: multipart/mixed; boundary=o\n\n--o\n\nM\xc3\xbc\n"
        "--o\nContent-Type: multipart/signed; boundary=s\n\n--s\n\n";
    const std::string back = "\n--s--\n--o--\n";
    for (const Octets octets : {Octets::seven_bit, Octets::eight_bit_body, Octets::utf8}) {
        CHECK_FALSE(obstacle(analysed(front + "plain" + back), octets));
        const auto wide = obstacle(analysed(front + "\xe4" + back), octets);
        CHECK(wide.has_value() == (octets == Octets::seven_bit));
        if (wide) CHECK(wide->what == Obstacle::What::eight_bit);
        const auto line = obstacle(analysed(front + std::string(999, 'x') + back), octets);
        REQUIRE(line);
        CHECK(line->what == Obstacle::What::long_line);
        CHECK(line->text == "a line over 998 bytes in a part that is signed or encrypted");
    }
}
