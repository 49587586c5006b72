#include "smtpd/tls/digest.h"

#include "smtpd/tls/crypto_error.h"
#include "tests/catch.h"

namespace holdfast::tls {
namespace {

std::string hexadecimal(const Result<std::string>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    REQUIRE(bytes);
    std::string text;
    for (const char c : *bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text.append({digits[byte >> 4], digits[byte & 15]});
    }
    return text;
}

TEST_CASE("SHA-256 goes as FIPS 180-4 shows") {
    set_up_crypto();
    CHECK(hexadecimal(sha256("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hexadecimal(sha256("")) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the keyed hashes go as RFC 2202 and RFC 4231 show") {
    CHECK(hexadecimal(hmac_md5("Jefe", "what do ya want for nothing?")) ==
          "750c783e6ab0b503eaa86e310a5db738");
    CHECK(hexadecimal(hmac_md5(std::string(80, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")) ==
          "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    CHECK(hexadecimal(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hexadecimal(hmac_sha256("", "")) ==
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("keys of passwords go as RFC 7914 section 11 shows") {
    CHECK(hexadecimal(pbkdf2_sha256("passwd", "salt", 1)) ==
          "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    CHECK(hexadecimal(pbkdf2_sha256("Password", "NaCl", 80000)) ==
          "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    CHECK(pbkdf2_sha256("", "salt", 1));
}

TEST_CASE("random bytes are as many as were asked for, and others each time") {
    const auto one = random_bytes(24);
    const auto other = random_bytes(24);
    REQUIRE(one);
    REQUIRE(other);
    CHECK(one->size() == 24);
    CHECK(*one != *other);
    CHECK(random_bytes(0) == "");
}

}  // namespace
}  // namespace holdfast::tls
