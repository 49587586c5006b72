#include "smtpd/tls/certificate.h"

#include "tests/catch.h"
#include "tests/smtpd/tls/issuing.h"

using namespace holdfast;
using namespace holdfast::tls;

namespace {

std::string error_of(const std::string& pem) {
    const auto chain = CertificateChain::parse(pem, "chain.pem");
    return chain ? "" : chain.error().text();
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

CertificateChain parsed(const std::string& pem) {
    auto chain = CertificateChain::parse(pem, "chain.pem");
    if (!chain) FAIL(chain.error().text());
    return std::move(*chain);
}

struct Family {
    KeyHandle root_key = new_key(KeyKind::ecdsa_p256);
    X509Handle root = issue(root_key.get(), {.common_name = "root"});
    KeyHandle middle_key = new_key(KeyKind::ecdsa_p256);
    X509Handle middle =
        issue(middle_key.get(),
              {.common_name = "middle", .issuer_key = root_key.get(), .issuer = root.get()});
    X509Handle leaf = issue(shared_key(KeyKind::rsa), {.names = {"a.example"},
                                                       .common_name = "leaf",
                                                       .issuer_key = middle_key.get(),
                                                       .issuer = middle.get()});
};

}  // namespace

TEST_CASE("a chain tells the facts of its leaf") {
    const auto chain = chain_for(KeyKind::ecdsa_p256, {"MX.Example.org", "*.example.org", "b.c"});
    CHECK(chain.key_kind() == KeyKind::ecdsa_p256);
    CHECK(chain.leaf().names == std::vector<std::string>{"*.example.org", "b.c", "mx.example.org"});
    CHECK(chain.leaf().subject == "CN = test");
    CHECK(chain.leaf().fingerprint.size() == 64);
    CHECK(chain.leaf().not_after - chain.leaf().not_before == std::chrono::seconds(86400 + 3600));
    CHECK(chain.covers("mx.example.org"));
    CHECK(chain.covers("MX.example.org."));
    CHECK(chain.covers("any.example.org"));
    CHECK_FALSE(chain.covers("example.org"));
    CHECK_FALSE(chain.covers("two.labels.example.org"));
    CHECK_FALSE(chain.covers(""));
}

TEST_CASE("every kind of key that is served is known by its kind") {
    for (const KeyKind kind : all_kinds) CHECK(chain_for(kind, {"a.example"}).key_kind() == kind);
}

TEST_CASE("keys that are too weak or not served are refused with what to use") {
    const auto refused = [](const KeyHandle& key) {
        return error_of(pem_of(issue(key.get(), {.names = {"a.example"}}).get()));
    };
    CHECK(says(refused(new_rsa_key(1024)), "RSA of 1024 bits; use RSA of 2048 bits or more"));
    CHECK(says(refused(new_ec_key("P-521")), "on the curve secp521r1"));
}

TEST_CASE("a chain is in order, leaf first; with or without its root") {
    const Family family;
    const std::string leaf = pem_of(family.leaf.get());
    const std::string middle = pem_of(family.middle.get());
    const std::string root = pem_of(family.root.get());
    CHECK(parsed(leaf + middle).certificates().size() == 2);
    CHECK(parsed(leaf + middle + root).certificates().size() == 3);
    CHECK(parsed("text before\n" + leaf + "text between\n" + middle).certificates().size() == 2);
    CHECK(says(error_of(leaf + root),
               "chain.pem: certificate 2 (CN = root) did not issue the one before it (CN = leaf): "
               "put the server's certificate first"));
    CHECK(says(error_of(middle + leaf), "did not issue"));
    CHECK(says(error_of(leaf + middle + middle), "certificate 3 (CN = middle) did not issue"));
}

TEST_CASE("an issuer of the right name with another key is not the issuer") {
    const Family family;
    const KeyHandle other = new_key(KeyKind::ecdsa_p256);
    const X509Handle impostor = issue(other.get(), {.common_name = "middle"});
    CHECK(says(error_of(pem_of(family.leaf.get()) + pem_of(impostor.get())), "did not issue"));
}

TEST_CASE("what is no chain is refused with what is wrong") {
    CHECK(says(error_of(""), "chain.pem: holds no certificate in PEM form"));
    CHECK(says(error_of("nothing"), "holds no certificate"));
    const std::string key = pem_of(shared_key(KeyKind::rsa));
    CHECK(says(error_of(key), "holds a private key, which"));
    CHECK(says(error_of(pem_of(issue(shared_key(KeyKind::rsa), {}).get()) + key),
               "holds a private key, which"));
    CHECK(says(error_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
               "chain.pem: certificate 1 can't be read, write the file anew"));
    std::string cut = pem_of(issue(shared_key(KeyKind::ecdsa_p256), {}).get());
    cut.resize(cut.size() / 2);
    CHECK(says(error_of(cut), "chain.pem: certificate 1 can't be read"));
    CHECK(says(error_of(std::string(max_chain_bytes + 1, 'x')), "too large"));
    std::string many;
    const std::string one = pem_of(issue(shared_key(KeyKind::ecdsa_p256), {}).get());
    for (std::size_t i = 0; i <= max_chain_length; ++i) many += one;
    CHECK(says(error_of(many), "more than 16 certificates"));
}

TEST_CASE("validity is from the first second to before the last") {
    const auto chain = chain_for(KeyKind::rsa, {"a.example"});
    const Certificate& leaf = chain.leaf();
    constexpr auto moment = std::chrono::milliseconds(1);
    const auto warnings = [&](WallTime at) { return chain.warnings("a.example", at); };
    CHECK(warnings(leaf.not_before).empty());
    REQUIRE(warnings(leaf.not_before - moment).size() == 1);
    CHECK(warnings(leaf.not_before - moment)[0].starts_with("is not valid before "));
    REQUIRE(warnings(leaf.not_after - moment).size() == 1);
    CHECK(warnings(leaf.not_after - moment)[0].starts_with("expires on "));
    REQUIRE(warnings(leaf.not_after).size() == 1);
    CHECK(warnings(leaf.not_after)[0].starts_with("has expired on "));
    CHECK(says(warnings(leaf.not_after)[0], ": renew it"));
}

TEST_CASE("F11 a certificate knows its key from any other") {
    const auto chain = chain_for(KeyKind::ecdsa_p256, {"a.example"});
    CHECK(chain.check_key(chain.leaf().public_key, "key.pem"));
    const auto other = chain_for(KeyKind::rsa, {"a.example"});
    const auto mismatch = chain.check_key(other.leaf().public_key, "key.pem");
    REQUIRE_FALSE(mismatch);
    CHECK(mismatch.error().text() ==
          "test.pem: is not the certificate of the key key.pem: install both from the same issue");
    CHECK_FALSE(chain.check_key("", "key.pem"));
    CHECK_FALSE(chain.check_key("garbage", "key.pem"));
}

TEST_CASE("names that are no host names are left out") {
    const auto chain = chain_for(KeyKind::ecdsa_p256, {"good.example", "bad name", "*", "*.*.x"});
    CHECK(chain.leaf().names == std::vector<std::string>{"good.example"});
    CHECK(chain_for(KeyKind::ecdsa_p256, {}).leaf().names.empty());
}
