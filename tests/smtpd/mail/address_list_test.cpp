#include "smtpd/mail/address_list.h"

#include <chrono>
#include <string>
#include <vector>

#include "smtpd/mail/address_lexer.h"
#include "tests/catch.h"

using holdfast::AddressList;
using holdfast::BareWords;
using holdfast::parse_address_list;

namespace {

using Texts = std::vector<std::string>;

Texts addresses(std::string_view list, BareWords rule = BareWords::unreadable) {
    Texts texts;
    for (const auto& address : parse_address_list(list, rule).addresses) {
        texts.push_back(address.text);
    }
    return texts;
}

Texts unreadable(std::string_view list, BareWords rule = BareWords::unreadable) {
    return parse_address_list(list, rule).unreadable;
}

struct Row {
    const char* list;
    Texts addresses;
    Texts unreadable;
};

}  // namespace

TEST_CASE("a header's list is read as RFC 5322 has it") {
    const std::vector<Row> rows{
        {"", {}, {}},
        {" , ,; \n (nobody)", {}, {}},
        {"a@x", {"a@x"}, {}},
        {"a@x, b@y;c@z", {"a@x", "b@y", "c@z"}, {}},
        {"A B <a@x>, \"c, d\" <e@y>", {"a@x", "e@y"}, {}},
        {"(a, \"b\" (c \\) )) f@x (d)", {"f@x"}, {}},
        {"root", {"root"}, {}},
        {"root (Cron Daemon)", {"root"}, {}},
        {"\"(Cron Daemon)\" <root>", {"root"}, {}},
        {"\"a b\"@x, \"q\\\"x\"@x", {"\"a b\"@x", "\"q\\\"x\"@x"}, {}},
        {"=?utf-8?q?M=C3=BC=2C_J?= <a@x>, M\xc3\xbcller <b@x>", {"a@x", "b@x"}, {}},
        {"undisclosed-recipients:;", {}, {}},
        {"friends: a@x, B <b@x>;, c@x", {"a@x", "b@x", "c@x"}, {}},
        {"a list: a@x, b@x", {"a@x", "b@x"}, {}},
        {"<@r1,@r2:a@x>, b@x", {"a@x", "b@x"}, {}},
        {"a @ x, b(c)@(d)y", {"a@x", "b@y"}, {}},
        {"a@x\n , b@x", {"a@x", "b@x"}, {}},
        {"a@[192.0.2.1], <b@[IPv6:::1]>", {"a@[192.0.2.1]", "b@[IPv6:::1]"}, {}},
        {"me@work <a@x>", {"a@x"}, {}},
        {"Bob a@x", {"a@x"}, {}},
        {"a@x b@y", {"a@x", "b@y"}, {}},
    };
    for (const Row& row : rows) {
        INFO(row.list);
        CHECK(addresses(row.list) == row.addresses);
        CHECK(unreadable(row.list) == row.unreadable);
    }
}

TEST_CASE("what can't be read is handed back, and makes no address") {
    const std::vector<Row> rows{
        {"a@x, <broken, \"unterminated", {"a@x"}, {"<broken", "\"unterminated"}},
        {"John Smith", {}, {"John Smith"}},
        {"Dr. a @ x", {}, {"Dr. a @ x"}},
        {"meet @ noon a@x", {}, {"meet @ noon a@x"}},
        {"a@b@c@", {}, {"a@b@c@"}},
        {"<>", {}, {"<>"}},
        {"<a@x> junk", {}, {"<a@x> junk"}},
        {"<a@x> <b@y>", {}, {"<a@x> <b@y>"}},
        {"<a b@x>", {}, {"<a b@x>"}},
        {"<@r:>", {}, {"<@r:>"}},
        {"<@broken, b@x", {"b@x"}, {"<@broken"}},
        {"\"Bob\"a@x", {}, {"\"Bob\"a@x"}},
        {"(unclosed a@x, b@x", {}, {"(unclosed a@x, b@x"}},
        {"a@x)", {}, {"a@x)"}},
        {"a\\@x", {}, {"a\\@x"}},
        {":include:/etc/passwd", {}, {":include:/etc/passwd"}},
        {"|/bin/cat, /tmp/x, \"|/bin/cat\", \"/x\"",
         {},
         {"|/bin/cat", "/tmp/x", "\"|/bin/cat\"", "\"/x\""}},
        {"a@x:y, b@x", {"b@x"}, {"a@x:y"}},
        {"g: h: a@x, b@x;", {"b@x"}, {"h: a@x"}},
        {"a\x01@x, b@x", {"b@x"}, {"a\x01@x"}},
        {"m\xc3\xbcller@x", {}, {"m\xc3\xbcller@x"}},
    };
    for (const Row& row : rows) {
        INFO(row.list);
        CHECK(addresses(row.list) == row.addresses);
        CHECK(unreadable(row.list) == row.unreadable);
    }
}

TEST_CASE("white space separates the bare words of an operand") {
    constexpr auto rule = BareWords::recipients;
    CHECK(addresses("root,alice bob", rule) == Texts{"root", "alice", "bob"});
    CHECK(addresses("Bob a@x", rule) == Texts{"a@x"});
    CHECK(addresses("root, Bob a@x", rule) == Texts{"root", "a@x"});
    CHECK(addresses("\"a b\" c", rule) == Texts{"\"a b\"", "c"});
    CHECK(addresses("a list: a@x;", rule) == Texts{"a@x"});
    CHECK(unreadable("smtp:bob", rule) == Texts{"smtp:bob"});
    CHECK(unreadable("alice |cmd", rule) == Texts{"alice |cmd"});
}

TEST_CASE("the place for an origin is behind the local part") {
    const std::string text = " (x) root (y), \"q r\" <bob>";
    const AddressList list = parse_address_list(text, BareWords::unreadable);
    REQUIRE(list.addresses.size() == 2);
    CHECK(text.substr(0, list.addresses[0].local_end) == " (x) root");
    CHECK(text.substr(0, list.addresses[1].local_end) == " (x) root (y), \"q r\" <bob");
    CHECK_FALSE(list.addresses[0].has_domain);
    CHECK(parse_address_list("a@x", BareWords::unreadable).addresses[0].has_domain);
}

TEST_CASE("the domain of an address is found where it stands") {
    const std::string text = "\"x@y\" <\"a b\"@ (c@d) One.example>, e@(f)[192.0.2.1], root";
    const AddressList list = parse_address_list(text, BareWords::unreadable);
    REQUIRE(list.addresses.size() == 3);
    const auto domain = [&](const holdfast::ListedAddress& address) {
        return text.substr(address.domain_begin, address.domain_end - address.domain_begin);
    };
    CHECK(domain(list.addresses[0]) == "One.example");
    CHECK(domain(list.addresses[1]) == "[192.0.2.1]");
    CHECK(domain(list.addresses[2]).empty());
}

TEST_CASE("white space and comments are measured up to what they are not") {
    CHECK(holdfast::blank_length("") == 0);
    CHECK(holdfast::blank_length("a") == 0);
    CHECK(holdfast::blank_length(" (b (c) \\) )\n\td") == 14);
    CHECK(holdfast::blank_length(" (open") == 1);
}

TEST_CASE("hostile lists cost time in proportion to their length") {
    constexpr std::size_t size = 200'000;
    const auto repeated = [](std::string_view piece) {
        std::string text;
        while (text.size() < size) text += piece;
        return text;
    };
    // Each was quadratic in some parser: a minute, or for ever.
    for (const char* piece : {"(", ")", "\"", "<", "<@a,", "<@a:", "a:", "@", "a ", ",", ";", "\\",
                              "[", "a@x,", "(\\", "g:a@x;", "((a)"}) {
        INFO(piece);
        const std::string text = repeated(piece);
        const auto begin = std::chrono::steady_clock::now();
        parse_address_list(text, BareWords::recipients);
        parse_address_list("<@a" + text, BareWords::unreadable);
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    }
}
