#include "ctl/mtactl/options.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::mtactl;

namespace {

constexpr const char* an_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

std::expected<Invocation, Notice> parse(const std::vector<const char*>& words) {
    return parse_options(words);
}

template <class Kind>
Kind command(const std::vector<const char*>& words) {
    const auto invocation = parse(words);
    REQUIRE(invocation);
    REQUIRE(std::holds_alternative<Kind>(invocation->command));
    return std::get<Kind>(invocation->command);
}

}  // namespace

TEST_CASE("each command is read with its operands") {
    command<StatusCommand>({"status"});
    CHECK(command<CheckCommand>({"check"}).file.empty());
    CHECK(command<CheckCommand>({"check", "/a file"}).file == "/a file");
    command<ListCommand>({"queue", "list"});
    CHECK(command<ShowCommand>({"queue", "show", an_id}).id.text() == an_id);
    CHECK(command<RemoveCommand>({"queue", "remove", an_id, an_id}).ids.size() == 2);
    CHECK(command<FlushCommand>({"queue", "flush"}).ids.empty());
    CHECK(command<FlushCommand>({"queue", "flush", an_id}).ids.size() == 1);
    command<AliasesCommand>({"aliases"});
    CHECK(command<StopCommand>({"stop"}).haste == Haste::when_finished);
    CHECK(command<StopCommand>({"stop", "--now"}).haste == Haste::now);
}

TEST_CASE("an id in lower case is the same id") {
    CHECK(command<ShowCommand>({"queue", "show", "01arz3ndektsv4rrffq69g5fav"}).id.text() == an_id);
}

TEST_CASE("--json goes with every command, before it or behind it") {
    for (const auto& words :
         std::vector<std::vector<const char*>>{{"status", "--json"},
                                               {"--json", "status"},
                                               {"queue", "list", "--json"},
                                               {"--json", "queue", "list"},
                                               {"stop", "--json", "--now"},
                                               {"queue", "remove", "--json", an_id}}) {
        const auto invocation = parse(words);
        REQUIRE(invocation);
        CHECK(invocation->form == Form::json);
    }
    CHECK(parse({"status"})->form == Form::text);
}

TEST_CASE("a wrong command line is one line and status 64") {
    for (const auto& words :
         std::vector<std::vector<const char*>>{{},
                                               {"queue"},
                                               {"bogus"},
                                               {"status", "extra"},
                                               {"--nonsense"},
                                               {"queue", "show"},
                                               {"queue", "show", "x"},
                                               {"queue", "show", an_id, an_id},
                                               {"queue", "remove"},
                                               {"queue", "remove", an_id, "../../etc/passwd"},
                                               {"queue", "show", "\x1b[2J\n"},
                                               {"stop", "now"}}) {
        const auto invocation = parse(words);
        REQUIRE_FALSE(invocation);
        CHECK(invocation.error().status == 64);
        const std::string& text = invocation.error().text;
        CHECK(text.starts_with("mtactl: "));
        CHECK(text.find('\n') == text.size() - 1);
        CHECK(text.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("a mistyped command is named, with the one that was meant") {
    const auto said = [](const std::vector<const char*>& words) {
        const auto invocation = parse(words);
        REQUIRE_FALSE(invocation);
        return invocation.error().text;
    };
    CHECK(said({"queu"}) ==
          "mtactl: unknown command \"queu\": did you mean \"queue\"? (see mtactl --help)\n");
    CHECK(said({"--json", "queue", "lsit"}) ==
          "mtactl: unknown command \"lsit\": did you mean \"list\"? (see mtactl queue --help)\n");
    CHECK(said({"frobnicate"}) ==
          "mtactl: unknown command \"frobnicate\": it is one of status check queue aliases reload "
          "reload-certs restart or stop (see mtactl --help)\n");
    CHECK(said({"queue", "remove"}).ends_with("(see mtactl queue remove --help)\n"));
    CHECK(said({"queue"}).ends_with("(see mtactl queue --help)\n"));
}

TEST_CASE("help and version are asked for with success") {
    CHECK(parse({"--version"}).error().status == 0);
    CHECK(parse({"-V"}).error().text.starts_with("mtactl (Holdfast) "));
    CHECK(parse({"--help"}).error().text.find("queue") != std::string::npos);
    CHECK(parse({"queue", "remove", "--help"}).error().status == 0);
}
