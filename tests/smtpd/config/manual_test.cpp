// One vocabulary: the statements of the code, of smtpd.conf(5) and of the default files agree.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/aliases.h"
#include "smtpd/config/parse.h"
#include "smtpd/config/relay_options.h"
#include "smtpd/config/render.h"
#include "smtpd/config/statements.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

std::string file_text(const std::string& path) {
    std::ifstream file(std::string(HOLDFAST_SOURCE "/") + path);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string manual() {
    return file_text("smtpd/smtpd.conf.5");
}

// ".It Ic listen Ar ADDRESS:PORT | Cm none" as the reader sees it.
std::string shown(const std::string& item) {
    std::istringstream words(item);
    std::string text;
    bool optional = false;
    for (std::string word; words >> word;) {
        if (word == "Ic" || word == "Ar" || word == "Cm") continue;
        const bool closes = word == "Oc" || word == "," || word == ":";
        if (closes) text += word == "Oc" ? "]" : word;
        if (closes) continue;
        const bool joined = word == "Ns" || text.empty() || text.ends_with("[");
        if (word == "Ns") words >> word >> word;
        if (!joined) text += " ";
        if (word == "Oo") text += "[";
        if (word == "Oo") continue;
        if (word == "Op") {
            text += "[";
            optional = true;
            words >> word >> word;
        }
        text += word;
    }
    return text + (optional ? "]" : "");
}

// The items of lists that are marked as `macro`: Ic statements, Cm options of one.
std::set<std::string> manual_items(const std::string& macro) {
    std::set<std::string> items;
    std::istringstream lines(manual());
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(".It " + macro + " ")) items.insert(shown(line.substr(4)));
    }
    return items;
}

void check_good(const std::string& text) {
    const auto parsed = parse(text, "example");
    INFO(text << render(parsed.diagnostics));
    CHECK(parsed.diagnostics.all().empty());
}

// With what it needs: some statements alone are good for nothing.
std::string completed(const std::string& statement) {
    const std::string relays = "relay main smtps://a.example\nrelay spare smtps://b.example\n";
    const std::string way = "\nroute all via main, spare\n";
    if (statement.starts_with("cert ")) return "listen *:25 starttls\n" + statement;
    if (statement.starts_with("route all ")) return relays + statement;
    for (const char* word : {"route ", "rewrite ", "masquerade "}) {
        if (statement.starts_with(word)) return relays + statement + way;
    }
    return statement;
}

// Indented lines of comments, as far as they stand together.
std::vector<std::string> commented_examples(const std::string& text) {
    std::vector<std::string> examples{""};
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const bool is_example = line.starts_with("#     ");
        if (is_example) examples.back() += line.substr(6) + "\n";
        if (!is_example && !examples.back().empty()) examples.emplace_back();
    }
    examples.pop_back();
    return examples;
}

// What an admin gets who takes the "#" from every line that is a statement.
std::string uncommented(const std::string& text) {
    return std::regex_replace(text, std::regex("(^|\n)#([^ \n])"), "$1$2");
}

}  // namespace

TEST_CASE("every statement stands in smtpd.conf(5) with its syntax, and no other does") {
    std::set<std::string> coded;
    for (const Statement& row : statements()) coded.insert(std::string(row.syntax));
    CHECK(manual_items("Ic") == coded);
}

TEST_CASE("every option of a relay stands in smtpd.conf(5) with its syntax, and no other does") {
    std::set<std::string> coded;
    for (const RelayOption& option : relay_options()) coded.insert(std::string(option.syntax));
    CHECK(manual_items("Cm") == coded);
}

TEST_CASE("every example of smtpd.conf(5) is good") {
    std::istringstream lines(manual());
    std::size_t examples = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(".Dl ")) continue;
        check_good(completed(line.substr(4)));
        ++examples;
    }
    CHECK(examples == statements().size());
}

TEST_CASE("the full examples of smtpd.conf(5) are good") {
    std::string rest = manual();
    rest = rest.substr(rest.find(".Sh EXAMPLES"));
    rest = rest.substr(0, rest.find(".Sh DIAGNOSTICS"));
    const std::regex block("\\.Bd -literal -offset indent\n([^]*?)\\.Ed");
    auto found = std::sregex_iterator(rest.begin(), rest.end(), block);
    CHECK(std::distance(found, std::sregex_iterator()) == 6);
    for (; found != std::sregex_iterator(); ++found) check_good((*found)[1]);
}

TEST_CASE("the default smtpd.conf changes nothing, and its lines show the defaults") {
    const std::string text = file_text("etc/smtpd.conf");
    check_good(text);
    CHECK(parse(text, "c").value.seen.empty());
    check_good(uncommented(text));
    const Settings settings = parse(uncommented(text), "c").value;
    const std::set<std::string_view> without_default{"cert",         "masquerade", "redirect",
                                                     "relay",        "rewrite",    "route all",
                                                     "route sender", "route to"};
    for (const Statement& row : statements()) {
        CHECK(settings.seen.contains(row.name) != without_default.contains(row.name));
    }
    CHECK(links::encode_struct(settings.smtpin) == links::encode_struct(links::SmtpinSnapshot{}));
    CHECK(links::encode_struct(settings.control) == links::encode_struct(links::ControlSnapshot{}));
    CHECK(links::encode_struct(settings.qmgr) == links::encode_struct(links::QmgrSnapshot{}));
    CHECK(links::encode_struct(settings.mda) == links::encode_struct(links::MdaSnapshot{}));
}

TEST_CASE("every example of the default smtpd.conf is good") {
    const auto examples = commented_examples(file_text("etc/smtpd.conf"));
    CHECK(examples.size() == 3);
    for (const std::string& example : examples) check_good(example);
}

TEST_CASE("the default alias file is good, and so is its commented line") {
    const std::vector<std::string> local;
    const std::string text = file_text("etc/aliases");
    CHECK(parse_aliases(text, "a", local, Elsewhere::refused).diagnostics.all().empty());
    const auto all = parse_aliases(uncommented(text), "a", local, Elsewhere::refused);
    CHECK(all.diagnostics.all().empty());
    CHECK(all.value.aliases.size() ==
          parse_aliases(text, "a", local, Elsewhere::refused).value.aliases.size() + 1);
}
