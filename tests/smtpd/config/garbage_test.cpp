// Whatever the bytes: an answer, in bounded time and memory, and never silence about a line that
// was not understood.
#include <random>
#include <string>

#include "smtpd/config/aliases.h"
#include "smtpd/config/listeners.h"
#include "smtpd/config/parse.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast::config;

namespace {

std::string random_bytes(std::mt19937& random, std::string_view alphabet, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(alphabet[random() % alphabet.size()]);
    return text;
}

}  // namespace

TEST_CASE("every line of garbage yields a diagnostic with its line number") {
    std::mt19937 random(1);
    for (std::size_t round = 0; round < 2000; ++round) {
        const std::string line =
            "x" + random_bytes(random, "az\"\\ \t#\x01\xff:*,|~", 1 + round % 40);
        INFO(render(Diagnostic{.place = {"c", 1, 1, 1, line}, .message = ""}));
        const auto parsed = parse("\n" + line + "\n\n", "c");
        REQUIRE(parsed.diagnostics.count(Severity::error) == 1);
        CHECK(parsed.diagnostics.all().front().place.line == 2);
        CHECK(render(parsed.diagnostics).find('\x01') == std::string::npos);
    }
}

TEST_CASE("every statement with a word of garbage is refused and none is taken") {
    std::mt19937 random(2);
    for (const char* name : {"hostname ",
                             "origin ",
                             "listen ",
                             "aliases ",
                             "local ",
                             "domain ",
                             "limit ",
                             "limit message ",
                             "limit agents ",
                             "limit drain ",
                             "queue retry ",
                             "queue expire ",
                             "queue ",
                             "relay ",
                             "relay a ",
                             "relay a smtp://h ",
                             "relay a smtp://h tls ",
                             "redirect all to ",
                             "rewrite from ",
                             "masquerade ",
                             "route ",
                             "route to ",
                             "route sender a@b via ",
                             "listen *:25 from "}) {
        for (int round = 0; round < 200; ++round) {
            const std::string word = "!" + random_bytes(random, "ab!~:*25", 5);
            INFO(name << word);
            CHECK(parse(name + word, "c").diagnostics.count(Severity::error) == 1);
        }
    }
}

TEST_CASE("every prefix of a good file is taken without a crash") {
    const std::string text =
        "hostname a.example\nlisten [::1]:25\naliases \"/etc/a \\\"b\\\"\"\nlocal maildir ~/M\n"
        "limit sessions 10 per-client 2\nqueue retry 1m up-to 1h\n"
        "relay main smtp://[::1]:26 user u secret file:/s tls pin sha256:" +
        std::string(64, 'a') + ",sha256:" + std::string(64, 'b') +
        " source 10.0.0.1, ::2\nroute sender a@b.example via main, main\n";
    for (std::size_t length = 0; length <= text.size(); ++length) {
        INFO(text.substr(0, length));
        CHECK(parse(text.substr(0, length), "c").diagnostics.count(Severity::error) <= 1);
    }
}

TEST_CASE("a large file of mistakes costs a bounded answer") {
    std::string config;
    while (config.size() < max_config) config += "listen 1.2.3.4:25\nbad\n";
    const auto parsed = parse(config, "c");
    CHECK(parsed.diagnostics.all().size() <= 2 * Diagnostics::max_kept);
    CHECK(parsed.diagnostics.omitted() > 10'000);
    CHECK(plan_listeners(parsed.value.listens).value.size() == 1);
    CHECK(parse(std::string(max_config, '\n'), "c").diagnostics.all().empty());
    CHECK(parse(std::string(max_config, '"'), "c").diagnostics.count(Severity::error) == 1);
}

TEST_CASE("a large alias file costs a bounded answer") {
    const std::vector<std::string> local{"example.org"};
    std::string text = "all:\n";
    while (text.size() < 4'000'000) text += "  someone, |x, other@example.org\n";
    const auto parsed = parse_aliases(text, "a", local, Elsewhere::refused);
    CHECK_FALSE(parsed.diagnostics.has_errors());
    CHECK(parsed.diagnostics.all().size() <= Diagnostics::max_kept);
    CHECK(parsed.value.aliases.size() == 1);
    const auto colons = parse_aliases(std::string(4'000'000, ':'), "a", local, Elsewhere::refused);
    CHECK(colons.diagnostics.count(Severity::error) == 1);
}
