#include "smtpd/mail/base64.h"

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("base 64 goes as RFC 4648 section 10 shows, both ways") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(base64_encoded(bytes) == text);
        CHECK(base64_decoded(text) == bytes);
    }
}

TEST_CASE("every byte survives base 64") {
    for (std::size_t length = 0; length < 5; ++length) {
        for (int byte = 0; byte < 256; ++byte) {
            const std::string bytes(length, static_cast<char>(byte));
            CHECK(base64_decoded(base64_encoded(bytes)) == bytes);
        }
    }
}

TEST_CASE("what is not exactly base 64 is none") {
    for (const char* text : {"Z", "Zg", "Zg=", "=", "====", "Z===", "Zm9v=", "Zm9v====", "Zg==Zg==",
                             "Zm 9", "Zm9\n", "Zm-_", "Zh==", "Zm9=", "=Zg=", "Zg=g", "Zm9vZ"}) {
        CHECK_FALSE(base64_decoded(text));
    }
}
