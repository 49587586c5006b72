#include "smtpd/relay/transfer_encoder.h"

#include <string>

#include "tests/catch.h"
#include "tests/smtpd/relay/mime_oracle.h"

using namespace holdfast::relay;

namespace {

std::string encode(TransferForm form, std::string_view text, Behind behind = Behind::nothing,
                   std::size_t step = 100'000) {
    TransferEncoder encoder(form);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        out += encoder.feed(text.substr(at, step));
    }
    return out + encoder.finish(behind);
}

std::string all_bytes() {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        if (byte != '\n') bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
}

std::string lines_of_every_length() {
    std::string text;
    for (std::size_t length = 0; length < 240; ++length) {
        text += std::string(length, length % 3 == 0 ? 'x' : length % 3 == 1 ? '-' : '\xe4') + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("quoted-printable keeps what may stay and writes the rest in hexadecimal") {
    const auto quoted = [](std::string_view text) {
        return encode(TransferForm::quoted_printable, text);
    };
    CHECK(quoted("").empty());
    CHECK(quoted("plain text.\n\n") == "plain text.\n\n");
    CHECK(quoted("M\xc3\xbc=1\n") == "M=C3=BC=3D1\n");
    CHECK(quoted(std::string("\r\0\x1b\x7f\n", 5)) == "=0D=00=1B=7F\n");
    CHECK(quoted("a \tb  \nc\t\n \n") == "a \tb =20\nc=09\n=20\n");
    CHECK(quoted("no end ") == "no end=20");
}

TEST_CASE("F51 quoted-printable breaks long lines where they can be put together again") {
    const std::string coded = encode(TransferForm::quoted_printable, std::string(2000, 'x') + "\n");
    CHECK(longest_line(coded) == 76);
    CHECK(coded.starts_with(std::string(75, 'x') + "=\n"));
    CHECK(quoted_printable_decoded(coded) == std::string(2000, 'x') + "\n");
}

TEST_CASE("a line that is broken never begins like a delimiter") {
    const std::string coded =
        encode(TransferForm::quoted_printable, "--x\n" + std::string(75, 'x') + "--boundary\n--\n");
    CHECK(coded == "--x\n" + std::string(75, 'x') + "=\n=2D-boundary\n--\n");
    for (std::size_t length = 60; length < 160; ++length) {
        const std::string lines =
            encode(TransferForm::quoted_printable, std::string(length, '-') + "--b\n");
        CHECK(lines.find("\n-") == std::string::npos);
    }
}

TEST_CASE("text comes back from quoted-printable and base64 as it was") {
    for (const std::string& text :
         {all_bytes() + "\n" + all_bytes(), lines_of_every_length(), std::string(),
          std::string("\n"), std::string("\n\n\nx"), std::string(3000, ' ') + "\n",
          std::string(57, 'x'), std::string(114, 'x') + "\n"}) {
        for (const TransferForm form : {TransferForm::quoted_printable, TransferForm::base64}) {
            const std::string coded = encode(form, text);
            CHECK(longest_line(coded) <= 76);
            CHECK((coded.empty() || coded.back() == '\n' || form != TransferForm::base64));
            const bool quoted = form == TransferForm::quoted_printable;
            std::string decoded =
                quoted ? quoted_printable_decoded(coded) : base64_text_decoded(coded);
            CHECK(decoded == text);
            for (std::size_t step = 1; step < 80; step += 5) {
                CHECK(encode(form, text, Behind::nothing, step) == coded);
            }
        }
    }
}

TEST_CASE("in base64 a line end is CR LF, and the one before a delimiter is not part of it") {
    CHECK(encode(TransferForm::base64, "a\n") == "YQ0K\n");
    CHECK(encode(TransferForm::base64, "a\n", Behind::delimiter) == "YQ==\n");
    CHECK(encode(TransferForm::base64, "a\n\n", Behind::delimiter) == "YQ0K\n");
    CHECK(encode(TransferForm::base64, "\n", Behind::delimiter).empty());
    CHECK(encode(TransferForm::base64, "", Behind::delimiter).empty());
}

TEST_CASE("quoted-printable that holds what it may not is put right and means the same") {
    const auto again = [](std::string_view text) {
        return encode(TransferForm::quoted_printable_again, text);
    };
    CHECK(again("a=3Db =C3\xbc c \n=\nd=20\n") == "a=3Db =C3=BC c \n=\nd=20\n");
    std::string text;
    for (std::size_t length = 60; length < 90; ++length) {
        text += std::string(length, 'x') + "=C3\xbc--=3D" + std::string(length, '-') + "=\n";
    }
    const std::string coded = again(text);
    CHECK(longest_line(coded) <= 76);
    CHECK(coded.find("\n-") == std::string::npos);
    CHECK(quoted_printable_decoded(coded) == quoted_printable_decoded(text));
    for (std::size_t step = 1; step < 9; ++step) {
        CHECK(encode(TransferForm::quoted_printable_again, text, Behind::nothing, step) == coded);
    }
}

TEST_CASE("F51 base64 in one long line is wrapped, and what means nothing in it goes") {
    const std::string bytes(3000, '\xe4');
    std::string line = encode(TransferForm::base64, bytes);
    std::erase(line, '\n');
    const std::string coded = encode(TransferForm::base64_again, "\xe4 -" + line + "\n\n\n");
    CHECK(longest_line(coded) == 76);
    CHECK(coded.find_first_of(" -\xe4") == std::string::npos);
    CHECK(coded.find("\n\n") == std::string::npos);
    CHECK(base64_text_decoded(coded) == bytes);
    CHECK(encode(TransferForm::base64_again, "\xe4 -" + line, Behind::delimiter, 1) == coded);
}

TEST_CASE("text that goes as it is, goes as it is") {
    CHECK(encode(TransferForm::as_it_is, all_bytes() + "\n\n", Behind::delimiter, 3) ==
          all_bytes() + "\n\n");
}
