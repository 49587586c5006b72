#include "smtpd/base/crc32c.h"

#include <string>

#include "tests/catch.h"

using holdfast::crc32c;

TEST_CASE("CRC-32C has the values of RFC 3720 appendix B.4") {
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
    CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
    std::string ascending;
    for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
    CHECK(crc32c(ascending) == 0x46dd794e);
    CHECK(crc32c(std::string(ascending.rbegin(), ascending.rend())) == 0x113fdb5c);
    CHECK(crc32c("123456789") == 0xe3069283);
    CHECK(crc32c("") == 0);
}

TEST_CASE("a sum taken in pieces is the sum of the whole, wherever it is cut") {
    std::string bytes;
    for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<char>(i * 7));
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const std::uint32_t first = crc32c(std::string_view(bytes).substr(0, cut));
        REQUIRE(crc32c(std::string_view(bytes).substr(cut), first) == crc32c(bytes));
    }
}
