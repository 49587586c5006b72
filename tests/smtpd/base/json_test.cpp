#include "smtpd/base/json.h"

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("JSON strings hold any bytes, and stay JSON") {
    CHECK(json_string("a\"b\\c\n\x01\x7f") == R"("a\"b\\c\n\u0001\u007f")");
    CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
    CHECK(json_string("\xff\xc3\xbc\xe2\x82") ==
          "\"\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\"");
    for (int byte = 0; byte < 256; ++byte) {
        const std::string json = json_string(std::string(1, static_cast<char>(byte)));
        for (const char c : json) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
}

TEST_CASE("JSON objects and arrays put a comma between members, and nowhere else") {
    CHECK(JsonObject().json() == "{}");
    JsonObject object;
    object.text("a", "x").number("b", -3).flag("c", true).raw("d", json_array({}));
    CHECK(object.json() == R"({"a":"x","b":-3,"c":true,"d":[]})");
    CHECK(json_strings({"a", "b"}) == R"(["a","b"])");
}
