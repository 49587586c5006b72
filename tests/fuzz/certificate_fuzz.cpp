// A certificate file as an admin, or whoever writes that file, may leave it: as it is, and as one
// block of PEM around bytes that are meant to be DER.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <openssl/pem.h>

#include "smtpd/tls/certificate.h"
#include "smtpd/tls/openssl.h"

namespace {

using namespace holdfast;

void require(bool holds) {
    if (!holds) std::abort();
}

void parse(std::string_view pem) {
    const auto chain = tls::CertificateChain::parse(pem, "chain.pem");
    if (!chain) return require(chain.error().text().starts_with("chain.pem: "));
    require(chain->certificates().size() <= tls::max_chain_length);
    for (const tls::Certificate& certificate : chain->certificates()) {
        require(certificate.fingerprint.size() == 64 && !certificate.public_key.empty());
        for (const std::string& name : certificate.names) {
            require(!name.empty() && name.find_first_of(" \r\n\"") == std::string::npos);
        }
    }
    require(chain->check_key(chain->leaf().public_key, "key").has_value());
    static_cast<void>(chain->check_key(pem.substr(0, 64), "key"));
    static_cast<void>(chain->warnings(pem.substr(0, 64), chain->leaf().not_before));
    static_cast<void>(chain->covers(pem.substr(0, 64)));
}

std::string wrapped(const std::uint8_t* der, std::size_t size) {
    const tls::BioHandle out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), "CERTIFICATE", "", der, static_cast<long>(size));
    char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(length)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    parse({reinterpret_cast<const char*>(data), size});
    parse(wrapped(data, size));
    return 0;
}
