// The mechanisms by the examples of their RFCs.
#include "smtpd/relay/sasl.h"

#include "smtpd/mail/base64.h"
#include "tests/catch.h"

namespace holdfast::relay {
namespace {

using namespace std::string_literals;

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

SaslClient client(Mechanism mechanism, const Credentials& credentials) {
    return {mechanism, credentials, std::string(nonce)};
}

SaslClient scram() {
    return client(Mechanism::scram_sha_256, {"user", "pencil", SecretKind::password});
}

std::string error_of(const Result<std::string>& result) {
    REQUIRE_FALSE(result);
    return result.error().text();
}

TEST_CASE("PLAIN says all at once") {
    SaslClient plain = client(Mechanism::plain, {"tim", "tanstaaftanstaaf", SecretKind::password});
    CHECK(plain.initial() == "\0tim\0tanstaaftanstaaf"s);
    CHECK(plain.satisfied());
    CHECK_FALSE(plain.respond(""));
}

TEST_CASE("LOGIN says the name and then the password, whatever the words of the questions") {
    SaslClient login = client(Mechanism::login, {"me", "secret", SecretKind::password});
    CHECK_FALSE(login.initial());
    CHECK(login.respond("Username:") == "me");
    CHECK_FALSE(login.satisfied());
    CHECK(login.respond("") == "secret");
    CHECK(login.satisfied());
    CHECK_FALSE(login.respond("Password:"));
}

TEST_CASE("CRAM-MD5 answers as RFC 2195 shows") {
    SaslClient cram =
        client(Mechanism::cram_md5, {"tim", "tanstaaftanstaaf", SecretKind::password});
    CHECK_FALSE(cram.initial());
    CHECK_FALSE(cram.satisfied());
    CHECK(cram.respond("<1896.697170952@postoffice.reston.mci.net>") ==
          "tim b913a602c7eda7a495b4e6e7334d3890");
    CHECK(cram.satisfied());
    CHECK_FALSE(cram.respond("<1896.697170952@postoffice.reston.mci.net>"));
}

TEST_CASE("CRAM-MD5 does not answer an empty challenge") {
    SaslClient cram = client(Mechanism::cram_md5, {"tim", "x", SecretKind::password});
    CHECK(error_of(cram.respond("")) == "the server's challenge is empty");
}

TEST_CASE("XOAUTH2 sends the token, and nothing more where it is refused") {
    SaslClient oauth =
        client(Mechanism::xoauth2, {"me@example.com", "ya29.vF9dft4", SecretKind::token});
    CHECK(oauth.initial() == "user=me@example.com\1auth=Bearer ya29.vF9dft4\1\1");
    CHECK(oauth.satisfied());
    CHECK(oauth.respond("{\"status\":\"401\"}") == "");
    CHECK_FALSE(oauth.satisfied());
    CHECK_FALSE(oauth.respond(""));
}

TEST_CASE("SCRAM-SHA-256 goes as RFC 7677 shows") {
    SaslClient client = scram();
    CHECK(client.initial() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(client.respond(server_first) == client_final);
    CHECK_FALSE(client.satisfied());
    CHECK(client.respond(server_final) == "");
    CHECK(client.satisfied());
    CHECK_FALSE(client.respond(server_final));
}

TEST_CASE("SCRAM-SHA-256 believes no server that does not prove itself") {
    SaslClient client = scram();
    REQUIRE(client.respond(server_first));
    const std::string why = "the server has not proved that it knows the password";
    SECTION("by another signature") {
        CHECK(error_of(client.respond("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) == why);
    }
    SECTION("by none") {
        CHECK(error_of(client.respond("v=")) == why);
    }
    SECTION("by an error") {
        CHECK(error_of(client.respond("e=invalid-proof")) == why);
    }
    CHECK_FALSE(client.satisfied());
}

TEST_CASE("SCRAM-SHA-256 answers no first message that is not one") {
    for (const char* message :
         {"", "r=", "r=rOprNGfwEbeRWgbNEkqOx", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
          "r=rOprNGfwEbeRWgbNEkqOx,s=####,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=",
          "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096x", "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=-1",
          "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096", "s=QQ==,i=4096"}) {
        SaslClient client = scram();
        CHECK(error_of(client.respond(message)) ==
              "the server's first message of SCRAM is malformed");
    }
}

TEST_CASE("SCRAM-SHA-256 wants its own nonce continued") {
    for (const char* message : {"r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096", "r=other,s=QQ==,i=4096"}) {
        SaslClient client = scram();
        CHECK(error_of(client.respond(message)) ==
              "the server's nonce of SCRAM does not continue ours");
    }
}

TEST_CASE("SCRAM-SHA-256 is neither made cheap for a listener nor dear for us") {
    for (const char* count : {"0", "1", "4095", "500001", "4294967295"}) {
        SaslClient client = scram();
        CHECK(error_of(client.respond(std::string("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=") + count))
                  .find("4096 to 500000 are sound") != std::string::npos);
    }
    SaslClient client = scram();
    CHECK(client.respond("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096,x=later"));
}

TEST_CASE("a name for SCRAM may hold what separates its parts") {
    SaslClient odd = client(Mechanism::scram_sha_256, {"a,b=c", "x", SecretKind::password});
    CHECK(odd.initial() == "n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
}

TEST_CASE("the mechanism is the strongest that is offered and does with the secret") {
    using enum Mechanism;
    const auto choose = [](std::vector<std::string> offered, SecretKind kind = SecretKind::password,
                           ClearSecret clear = ClearSecret::allowed) {
        return choose_mechanism(offered, kind, clear);
    };
    CHECK(choose({"LOGIN", "PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"}) == scram_sha_256);
    CHECK(choose({"LOGIN", "PLAIN", "CRAM-MD5"}) == cram_md5);
    CHECK(choose({"LOGIN", "PLAIN"}) == plain);
    CHECK(choose({"LOGIN", "SCRAM-SHA-1"}) == login);
    CHECK_FALSE(choose({"XOAUTH2", "GSSAPI"}));
    CHECK_FALSE(choose({}));
    CHECK(choose({"PLAIN", "SCRAM-SHA-256", "XOAUTH2"}, SecretKind::token) == xoauth2);
    CHECK_FALSE(choose({"PLAIN", "SCRAM-SHA-256"}, SecretKind::token));
}

TEST_CASE("F18 without TLS no mechanism is chosen that sends the secret in clear") {
    const std::vector<std::string> weak{"LOGIN", "PLAIN", "XOAUTH2"};
    CHECK_FALSE(choose_mechanism(weak, SecretKind::password, ClearSecret::forbidden));
    CHECK_FALSE(choose_mechanism(weak, SecretKind::token, ClearSecret::forbidden));
    const std::vector<std::string> strong{"PLAIN", "CRAM-MD5"};
    CHECK(choose_mechanism(strong, SecretKind::password, ClearSecret::forbidden) ==
          Mechanism::cram_md5);
}

}  // namespace
}  // namespace holdfast::relay
