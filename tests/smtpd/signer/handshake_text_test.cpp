#include "smtpd/signer/handshake_text.h"

#include "tests/catch.h"
#include "tests/smtpd/signer/texts.h"

using namespace holdfast::signer;

TEST_CASE("what TLS servers sign is recognised") {
    CHECK(recognise_handshake(verify_text(32)) == HandshakeText::tls13_certificate_verify);
    CHECK(recognise_handshake(verify_text(48)) == HandshakeText::tls13_certificate_verify);
    for (const auto& text : {exchange_text(29, 32), exchange_text(23, 65), exchange_text(24, 97)}) {
        CHECK(recognise_handshake(text) == HandshakeText::tls12_key_exchange);
    }
}

TEST_CASE("anything else is not, whatever one byte is changed or added or missing") {
    for (const auto& text : {verify_text(32), verify_text(48), exchange_text(29, 32),
                             exchange_text(23, 65), exchange_text(24, 97)}) {
        CHECK_FALSE(recognise_handshake(text + "x"));
        CHECK_FALSE(recognise_handshake("x" + text));
        for (std::size_t length = 0; length < text.size(); ++length) {
            const std::string cut = text.substr(0, length);
            // A longer hash that is cut is a shorter one.
            CHECK(recognise_handshake(cut).has_value() == (cut == verify_text(32)));
        }
    }
    std::string text = verify_text(32);
    for (std::size_t i = 0; i < text.size() - 32; ++i) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(recognise_handshake(changed));
    }
    for (std::size_t at = 64; at < 68; ++at) {
        std::string changed = exchange_text(23, 65);
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CHECK_FALSE(recognise_handshake(changed));
    }
}

TEST_CASE("a client's handshake, a compressed point and other curves are none of ours") {
    std::string client = verify_text(32);
    client.replace(client.find("server"), 6, "client");
    CHECK_FALSE(recognise_handshake(client));
    std::string compressed = exchange_text(23, 65);
    compressed[68] = 2;
    CHECK_FALSE(recognise_handshake(compressed));
    CHECK_FALSE(recognise_handshake(exchange_text(25, 133)));
    CHECK_FALSE(recognise_handshake(exchange_text(30, 56)));
    CHECK_FALSE(recognise_handshake(""));
    CHECK_FALSE(recognise_handshake(std::string(64, ' ')));
}
