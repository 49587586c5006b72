#include "smtpd/parent/options.h"

#include <string>
#include <vector>

#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

Result<Options> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "smtpd");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    optind = 0;  // getopt starts over
    return parse_options(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("smtpd without options serves in the background with the default configuration") {
    const auto options = parse({});
    REQUIRE(options);
    CHECK(options->task == Options::Task::serve);
    CHECK_FALSE(options->foreground);
    CHECK(options->config.empty());
}

TEST_CASE("smtpd takes -d, -f and -n, together or apart") {
    const auto options = parse({"-df", "x.conf", "-n"});
    REQUIRE(options);
    CHECK(options->task == Options::Task::check);
    CHECK(options->foreground);
    CHECK(options->config == "x.conf");
}

TEST_CASE("a wrong command line is explained") {
    const auto unknown = parse({"-x"});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().text().starts_with("smtpd: unknown option -x\nusage:"));
    const auto missing = parse({"-f"});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().text().starts_with("smtpd: a file name is missing after -f\n"));
    const auto extra = parse({"start"});
    REQUIRE_FALSE(extra);
    CHECK(extra.error().text().starts_with("smtpd: unexpected argument \"start\"\n"));
}

TEST_CASE("long options that everyone types first are understood") {
    CHECK(parse({"--help"})->task == Options::Task::help);
    CHECK(parse({"--version"})->task == Options::Task::version);
    const auto unknown = parse({"--daemon"});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().text().starts_with("smtpd: unknown option --daemon\n"));
    for (const char* option : {"-d", "-f", "-h", "-n", "-V"}) {
        CHECK(help_text().find(std::string("\n  ") + option) != std::string::npos);
    }
}
