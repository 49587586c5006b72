// What an smtpin that has been taken over asks signer to sign: only two forms may pass.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/signer/handshake_text.h"

namespace {

using namespace holdfast::signer;

void require(bool holds) {
    if (!holds) std::abort();
}

// Told apart here by other means than there.
void check(std::string_view text, HandshakeText kind) {
    if (kind == HandshakeText::tls13_certificate_verify) {
        require(text.size() == 130 || text.size() == 146);
        require(text.find_first_not_of(' ') == 64);
        require(text.substr(64, 33) == "TLS 1.3, server CertificateVerify" && text[97] == 0);
    } else {
        require(text.size() == 100 || text.size() == 133 || text.size() == 165);
        require(text[64] == 3 && text[65] == 0);
        require(text.size() - 68 == static_cast<unsigned char>(text[67]));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto kind = recognise_handshake(text)) check(text, *kind);
    return 0;
}
