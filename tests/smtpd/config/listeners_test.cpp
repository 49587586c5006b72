#include "smtpd/config/listeners.h"

#include "smtpd/config/parse.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast::config;

namespace {

struct Outcome {
    std::string sockets;
    std::string warnings;
};

Outcome plan(const std::string& text) {
    const auto parsed = parse(text, "c");
    REQUIRE_FALSE(parsed.diagnostics.has_errors());
    const auto planned = plan_listeners(parsed.value.listens);
    Outcome outcome;
    for (const auto& listener : planned.value) {
        outcome.sockets +=
            listener.text + (listener.if_available ? "?" : "") + "@" + listener.place + " ";
    }
    outcome.warnings = render(planned.diagnostics);
    return outcome;
}

}  // namespace

TEST_CASE("F03 two listen lines, wildcard and specific, are merged with both lines named") {
    const Outcome outcome = plan("listen *:25\nlisten 127.0.0.1:25\n");
    CHECK(outcome.sockets == "0.0.0.0:25@c:1 [::]:25?@c:1 ");
    CHECK(outcome.warnings ==
          "c:2:8: warning: \"127.0.0.1:25\" overlaps with \"*:25\" in c:1\n"
          "  listen 127.0.0.1:25\n"
          "         ^~~~~~~~~~~~\n"
          "  merged: each address is listened on once\n");
}

TEST_CASE("F03 the order of overlapping listen lines does not matter") {
    const Outcome outcome = plan("listen 127.0.0.1:25\nlisten *:25\n");
    CHECK(outcome.sockets == "0.0.0.0:25@c:2 [::]:25?@c:2 ");
    CHECK(outcome.warnings.starts_with(
        "c:2:8: warning: \"*:25\" overlaps with \"127.0.0.1:25\" in c:1\n"));
}

TEST_CASE("F03 no set of listen lines ends in two sockets for one address") {
    CHECK(plan("listen localhost:25\nlisten localhost:25\n").sockets ==
          "127.0.0.1:25?@c:1 [::1]:25?@c:1 ");
    CHECK(plan("listen [::1]:25\nlisten localhost:25\n").sockets ==
          "[::1]:25@c:1 127.0.0.1:25?@c:2 ");
    CHECK(plan("listen [::1]:25\nlisten localhost:25\n")
              .warnings.starts_with(
                  "c:2:8: warning: \"localhost:25\" overlaps with \"[::1]:25\" in c:1\n"));
    CHECK(plan("listen 0.0.0.0:25\nlisten localhost:25\n").sockets ==
          "0.0.0.0:25@c:1 [::1]:25?@c:2 ");
    CHECK(plan("listen 0.0.0.0:25\nlisten localhost:25\n")
              .warnings.starts_with(
                  "c:2:8: warning: \"localhost:25\" overlaps with \"0.0.0.0:25\" in c:1\n"));
}

TEST_CASE("listen lines of different families, ports or addresses are left alone") {
    const Outcome outcome =
        plan("listen 10.0.0.1:25\nlisten [::]:25\nlisten 10.0.0.2:25\nlisten *:587\n");
    CHECK(outcome.sockets ==
          "10.0.0.1:25@c:1 [::]:25@c:2 10.0.0.2:25@c:3 0.0.0.0:587?@c:4 [::]:587?@c:4 ");
    CHECK(outcome.warnings.empty());
}

TEST_CASE("F03 overlapping listen lines with the same TLS are merged and keep it") {
    const auto parsed =
        parse("cert a.example /c\nlisten 127.0.0.1:25 starttls\nlisten *:25 starttls\n", "c");
    const auto planned = plan_listeners(parsed.value.listens);
    REQUIRE(planned.value.size() == 2);
    CHECK(planned.value[0].text == "0.0.0.0:25");
    CHECK(planned.value[0].tls == holdfast::links::TlsMode::starttls);
    CHECK(planned.value[1].tls == holdfast::links::TlsMode::starttls);
    CHECK(planned.diagnostics.count(Severity::warning) == 1);
    CHECK_FALSE(planned.diagnostics.has_errors());
}

TEST_CASE("F03 overlapping listen lines with different TLS are an error that names both") {
    const auto parsed = parse(
        "cert a.example /c\nlisten *:25 starttls\nlisten localhost:25\nlisten [::1]:465 smtps\n"
        "listen localhost:465 starttls\n",
        "c");
    CHECK(render(plan_listeners(parsed.value.listens).diagnostics) ==
          "c:3:8: error: \"localhost:25\" overlaps with \"*:25\" in c:2, and wants no TLS where "
          "that wants starttls\n"
          "  listen localhost:25\n"
          "         ^~~~~~~~~~~~\n"
          "  one address can't have both: give both lines the same, or keep one\n"
          "c:5:8: error: \"localhost:465\" overlaps with \"[::1]:465\" in c:4, and wants starttls "
          "where that wants smtps\n"
          "  listen localhost:465 starttls\n"
          "         ^~~~~~~~~~~~~\n"
          "  one address can't have both: give both lines the same, or keep one\n");
}

TEST_CASE("F03 overlapping listen lines with different networks are an error that names both") {
    const auto parsed = parse(
        "relay a smtps://a.example\nlisten *:25\nlisten 10.0.0.1:25 from 10.0.0.0/24\n"
        "listen 10.0.0.1:26 from 10.0.0.0/24\nlisten *:26 from 10.0.0.0/24\n",
        "c");
    const auto planned = plan_listeners(parsed.value.listens);
    CHECK(render(planned.diagnostics) ==
          "c:3:8: error: \"10.0.0.1:25\" overlaps with \"*:25\" in c:2, and takes mail for others "
          "from other networks than that\n"
          "  listen 10.0.0.1:25 from 10.0.0.0/24\n"
          "         ^~~~~~~~~~~\n"
          "  one address can't have both: give both lines the same, or keep one\n"
          "c:5:8: warning: \"*:26\" overlaps with \"10.0.0.1:26\" in c:4\n"
          "  listen *:26 from 10.0.0.0/24\n"
          "         ^~~~\n"
          "  merged: each address is listened on once\n");
    const auto rights = relay_rights(parsed.value.listens, planned.value);
    REQUIRE(rights.size() == 2);
    CHECK(rights[0].listener == "0.0.0.0:26");
    CHECK(rights[1].listener == "[::]:26");
}

TEST_CASE("listen none means no socket") {
    CHECK(plan("listen none\n").sockets.empty());
}
