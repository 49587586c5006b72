#include "smtpd/mail/address.h"

#include <string>

#include "tests/catch.h"

using holdfast::Address;

TEST_CASE("an address is a local part and a domain, and nothing else") {
    const auto address = Address::parse("Alice.B+tag@Example.ORG");
    REQUIRE(address);
    CHECK(address->local_part() == "Alice.B+tag");
    CHECK(address->domain() == "Example.ORG");
    CHECK(address->text() == "Alice.B+tag@Example.ORG");
    for (const char* good : {"a@b", "a@x-y.z9", "a@under_score.example", "!#$%&'*+-/=?^_`{|}~@b",
                             "\"\"@b", "\"a b\"@b", "\"q\\\"x\"@b", "\"a@b\"@c", "a@[192.0.2.1]",
                             "a@[IPv6:2001:db8::1]", "a@[ipv6:::1]", "-x@b", "a@1.2.3.4"}) {
        INFO(good);
        CHECK(Address::parse(good));
    }
    for (const char* bad : {"",
                            "@",
                            "a",
                            "a@",
                            "@b",
                            "a@b@c",
                            "a@b@c@",
                            ".a@b",
                            "a.@b",
                            "a..b@c",
                            "a b@c",
                            "a@b c",
                            "a@b.",
                            "a@.b",
                            "a@b..c",
                            "a@-b",
                            "a@b-",
                            "<a@b>",
                            "a@b\n",
                            "a\n@b",
                            "\"a@b",
                            "\"a\"b@c",
                            "\"a\n\"@b",
                            "\"a\\\"@b",
                            "a@[192.0.2]",
                            "a@[192.0.2.1",
                            "a@[IPv6:1]",
                            "a@[x:y]",
                            "a@[IPv6:::1%lo]",
                            "a(c)@b",
                            "@r:a@b",
                            "a@b,c@d",
                            "caf\xc3\xa9@b",
                            "a@caf\xc3\xa9",
                            "\"\xc3\xa9\"@b",
                            "a\x7f@b",
                            "a,b@c"}) {
        INFO(bad);
        CHECK_FALSE(Address::parse(bad));
    }
    CHECK_FALSE(Address::parse(std::string_view("a\0b@c", 5)));
    CHECK_FALSE(Address::parse(std::string_view("a@b\0", 4)));
}

TEST_CASE("lengths end where RFC 5321 says") {
    const std::string local(64, 'l');
    CHECK(Address::parse(local + "@b"));
    CHECK_FALSE(Address::parse(local + "l@b"));
    const std::string label(63, 'd');
    CHECK(Address::parse("a@" + label));
    CHECK_FALSE(Address::parse("a@" + label + "d"));
    const std::string domain = label + "." + label + "." + label;  // 191
    CHECK(Address::parse(std::string(62, 'l') + "@" + domain));
    CHECK_FALSE(Address::parse(std::string(63, 'l') + "@" + domain));
}

TEST_CASE("a name without a domain gets the origin") {
    const auto text = [](std::string_view name) {
        const auto address = Address::parse_with_origin(name, "box.example.net");
        return address ? address->text() : "nothing";
    };
    CHECK(text("root") == "root@box.example.net");
    CHECK(text("\"a@b\"") == "\"a@b\"@box.example.net");
    CHECK(text("a@b") == "a@b");
    CHECK(text("") == "nothing");
    CHECK(text("a@") == "nothing");
    CHECK(text("a b") == "nothing");
    CHECK_FALSE(Address::parse_with_origin("root", ""));
    CHECK_FALSE(Address::parse_with_origin("root", "x@y"));
}

TEST_CASE("a mailbox name has neither quotes nor backslashes") {
    CHECK(Address::parse("\"a\\\\b \\\"c\\\"\"@d")->mailbox_name() == "a\\b \"c\"");
    CHECK(Address::parse("\"\"@d")->mailbox_name().empty());
    CHECK(Address::parse("a.b@d")->mailbox_name() == "a.b");
}

TEST_CASE("the case of a domain makes no other address, that of a local part does") {
    const auto address = *Address::parse("a@example.org");
    CHECK(address.same_as(*Address::parse("a@EXAMPLE.org")));
    CHECK_FALSE(address.same_as(*Address::parse("A@example.org")));
    CHECK_FALSE(address.same_as(*Address::parse("a@example.or")));
}
