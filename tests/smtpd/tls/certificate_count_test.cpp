#include "smtpd/tls/certificate_count.h"

#include "tests/catch.h"
#include "tests/smtpd/tls/issuing.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

std::string certificate(KeyKind kind) {
    return pem_of(issue(shared_key(kind), {}).get());
}

std::string fault(const std::string& pem) {
    const auto count = count_certificates(pem, "f.pem");
    REQUIRE_FALSE(count);
    return count.error().text();
}

}  // namespace

TEST_CASE("trusted certificates are counted, in any order and with comments between them") {
    const std::string one = certificate(KeyKind::ecdsa_p256);
    const std::string other = certificate(KeyKind::ed25519);
    CHECK(count_certificates(one, "f.pem").value() == 1);
    CHECK(count_certificates("# one\n" + one + "\n# other\n" + other + one, "f.pem").value() == 3);
}

TEST_CASE("a file without a certificate, with a broken one or with a key is refused") {
    const std::string one = certificate(KeyKind::ecdsa_p256);
    CHECK(fault("").starts_with("f.pem: holds no certificate"));
    CHECK(fault("text\n").starts_with("f.pem: holds no certificate"));
    CHECK(fault(one + one.substr(0, one.size() / 2))
              .starts_with("f.pem: certificate 2 can't be read"));
    CHECK(fault("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
              .starts_with("f.pem: certificate 1 can't be read"));
    CHECK(fault(one + pem_of(shared_key(KeyKind::ecdsa_p256)))
              .starts_with("f.pem: holds a private key"));
}
