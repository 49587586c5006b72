#include "smtpd/config/render.h"

#include "tests/catch.h"

using namespace holdfast::config;

namespace {

Diagnostic at(std::string source, std::uint32_t column, std::uint32_t length) {
    return {.place = {"f", 1, column, length, std::move(source)}, .message = "wrong"};
}

}  // namespace

TEST_CASE("the caret stands below what it means, tabs and UTF-8 in front of it or not") {
    CHECK(render(at("abc def", 5, 3)) ==
          "f:1:5: error: wrong\n"
          "  abc def\n"
          "      ^~~\n");
    CHECK(render(at("\tabc\tdef", 6, 3)) ==
          "f:1:6: error: wrong\n"
          "   abc def\n"
          "       ^~~\n");
    CHECK(render(at("\xc3\xa4\xc3\xb6 def", 6, 3)) ==
          "f:1:6: error: wrong\n"
          "  \xc3\xa4\xc3\xb6 def\n"
          "     ^~~\n");
    CHECK(render(at("abc", 5, 0)) ==
          "f:1:5: error: wrong\n"
          "  abc\n"
          "      ^\n");
}

TEST_CASE("nothing in a file can reach the terminal as a control sequence") {
    CHECK(render(at("a\x1b[2Jb\xff\xc2\x9b z", 11, 1)) ==
          "f:1:11: error: wrong\n"
          "  a?[2Jb?? z\n"
          "           ^\n");
    Diagnostic named = at("x", 1, 1);
    named.message = "unknown " + in_quotes("\x1b[2J\n");
    CHECK(render(named).find('\x1b') == std::string::npos);
}

TEST_CASE("of a very long line only the part around the caret is shown") {
    const std::string text =
        render(at(std::string(4000, 'x') + "y" + std::string(4000, 'z'), 4001, 1));
    CHECK(text == "f:1:4001: error: wrong\n  ..." + std::string(50, 'x') + "y" +
                      std::string(59, 'z') + "...\n" + std::string(55, ' ') + "^\n");
    // An underline never runs out of the part that is shown.
    CHECK(render(at(std::string(4000, 'x'), 1, 4000)) == "f:1:1: error: wrong\n  " +
                                                             std::string(110, 'x') + "...\n  ^" +
                                                             std::string(109, '~') + "\n");
}

TEST_CASE("marks that turn the direction of writing do not reach the terminal with a line") {
    const std::string text = render(
        Diagnostic{.place = {"f", 1, 1, 1, "x \u202e y \ufeff z \u0085"}, .message = "wrong"});
    CHECK(text == "f:1:1: error: wrong\n  x ? y ? z ?\n  ^\n");
}

TEST_CASE("a file or the machine as a whole has no line to show") {
    CHECK(render(Diagnostic{.place = {.file = "f", .source = {}}, .message = "wrong"}) ==
          "f: error: wrong\n");
    CHECK(render(Diagnostic{.severity = Severity::warning,
                            .place = {},
                            .message = "wrong",
                            .expected = "right",
                            .suggestion = "write",
                            .notes = {"one", "two"}}) ==
          "warning: wrong\n  expected: right\n  did you mean \"write\"?\n  one\n  two\n");
}

TEST_CASE("the first diagnostics of each severity are kept and the rest counted") {
    Diagnostics many;
    const std::size_t total = Diagnostics::max_kept + 7;
    for (std::size_t i = 0; i < total; ++i) {
        many.add({.severity = Severity::warning, .place = {}, .message = "w"});
    }
    CHECK_FALSE(many.has_errors());
    Diagnostics all;
    all.append(many);
    all.add({.place = {}, .message = "e"});
    all.append({});
    CHECK(all.has_errors());
    CHECK(all.count(Severity::warning) == total);
    CHECK(all.omitted() == 7);
    CHECK(all.all().size() == Diagnostics::max_kept + 1);
    CHECK(render(all).ends_with("error: e\nand 7 more of the same kind\n"));
}

TEST_CASE("a program is told the same in JSON") {
    Diagnostics all;
    CHECK(to_json(all) == "{\"ok\":true,\"diagnostics\":[]}\n");
    all.add({.place = {"f", 3, 8, 2, "ignored"},
             .message = "a \"b\" \\ \x01 \xc3\xa4 \xff",
             .expected = "c",
             .suggestion = "d",
             .notes = {"e", "f"}});
    all.add({.severity = Severity::warning, .place = {}, .message = "w"});
    CHECK(
        to_json(all) ==
        R"({"ok":false,"diagnostics":[{"severity":"error","file":"f","line":3,"column":8,"length":2,)"
        "\"message\":\"a \\\"b\\\" \\\\ \\u0001 \xc3\xa4 \xef\xbf\xbd\","
        R"("expected":"c","suggestion":"d","notes":["e","f"]},)"
        R"({"severity":"warning","file":"","line":0,"column":0,"length":0,"message":"w",)"
        R"("expected":"","suggestion":"","notes":[]}]})"
        "\n");
}
