#include "smtpd/relay/login.h"

#include "tests/catch.h"

namespace holdfast::relay {
namespace {

Login login(std::vector<std::string> offered, ClearSecret clear = ClearSecret::allowed) {
    return {{"user", "pencil", SecretKind::password},
            "rOprNGfwEbeRWgbNEkqO",
            {std::move(offered), clear}};
}

ServerReply reply(std::uint16_t code, std::string text) {
    return {code, {std::move(text)}};
}

TEST_CASE("AUTH carries what the client says first") {
    CHECK(login({"PLAIN"}).begin() == "AUTH PLAIN AHVzZXIAcGVuY2ls\r\n");
    CHECK(login({"LOGIN"}).begin() == "AUTH LOGIN\r\n");
}

TEST_CASE("a login by SCRAM goes through, and its success is believed behind the proof only") {
    Login scram = login({"PLAIN", "SCRAM-SHA-256"});
    CHECK(scram.begin() == "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n");
    const auto final = scram.on_reply(
        reply(334,
              "cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcy"
              "MlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY="));
    REQUIRE(final);
    REQUIRE(*final);
    CHECK((*final)->starts_with("Yz1iaXdzLHI9"));
    SECTION("with the proof") {
        const auto empty = scram.on_reply(
            reply(334, "dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ=="));
        REQUIRE(empty);
        CHECK(*empty == "\r\n");
        const auto done = scram.on_reply(reply(235, "2.7.0 welcome"));
        REQUIRE(done);
        CHECK_FALSE(*done);
    }
    SECTION("without") {
        const auto done = scram.on_reply(reply(235, "2.7.0 welcome"));
        REQUIRE_FALSE(done);
        CHECK(done.error().text() == "the server has not proved that it knows the password");
    }
}

TEST_CASE("what AUTH has no room for waits until the server asks") {
    const std::string token(600, 't');
    Login oauth({"me", token, SecretKind::token}, "n", {{"XOAUTH2"}, ClearSecret::allowed});
    CHECK(oauth.begin() == "AUTH XOAUTH2\r\n");
    const auto line = oauth.on_reply(reply(334, ""));
    REQUIRE(line);
    CHECK((*line)->size() > 800);
    // The token is refused, with a reason, which is answered with nothing.
    const auto empty = oauth.on_reply(reply(334, "eyJzdGF0dXMiOiI0MDEifQ=="));
    REQUIRE(empty);
    CHECK(*empty == "\r\n");
    const auto refused = oauth.on_reply(reply(535, "5.7.8 no"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text() == "AUTH XOAUTH2: 535 5.7.8 no");
}

TEST_CASE("a mechanism that the server does not know after all is followed by the next") {
    Login two = login({"PLAIN", "CRAM-MD5"});
    CHECK(two.begin() == "AUTH CRAM-MD5\r\n");
    const auto next = two.on_reply(reply(504, "5.5.4 which?"));
    REQUIRE(next);
    CHECK(*next == "AUTH PLAIN AHVzZXIAcGVuY2ls\r\n");
    const auto none = two.on_reply(reply(504, "5.5.4 which?"));
    REQUIRE_FALSE(none);
    CHECK(none.error().text() == "AUTH PLAIN: 504 5.5.4 which?");
}

TEST_CASE("a login that is refused is not tried again by another mechanism") {
    Login two = login({"PLAIN", "CRAM-MD5"});
    REQUIRE(two.begin());
    const auto refused = two.on_reply(reply(535, "5.7.8 bad password"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text() == "AUTH CRAM-MD5: 535 5.7.8 bad password");
}

TEST_CASE("a challenge that is no base 64 is none") {
    Login cram = login({"CRAM-MD5"});
    REQUIRE(cram.begin());
    const auto line = cram.on_reply(reply(334, "not base 64"));
    REQUIRE_FALSE(line);
    CHECK(line.error().text() == "the server's challenge is empty");
}

TEST_CASE("where there is no login it is said why") {
    CHECK(login({}).begin().error().text() == "the server offers no login (AUTH)");
    CHECK(login({"GSSAPI", "NTLM"}).begin().error().text() ==
          "the server offers no login that Holdfast knows (but GSSAPI NTLM)");
    CHECK(login({"PLAIN"}, ClearSecret::forbidden).begin().error().text() ==
          "the login would send the secret without TLS (the server offers PLAIN)");
}

TEST_CASE("a NUL byte in a user or password does not shift what is behind it") {
    Login odd({"us", std::string("a\0b", 3), SecretKind::password}, "n",
              {{"PLAIN"}, ClearSecret::allowed});
    CHECK(odd.begin().error().text() == "the user or the secret holds a NUL byte");
}

}  // namespace
}  // namespace holdfast::relay
