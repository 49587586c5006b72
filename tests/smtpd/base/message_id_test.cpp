#include "smtpd/base/message_id.h"

#include <set>

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("a message id is 26 characters that read back to the same id") {
    const MessageId id = MessageId::generate(WallTime(std::chrono::milliseconds(1469918176385)));
    CHECK(id.text().size() == MessageId::text_length);
    CHECK(id.text().substr(0, 10) == "01ARYZ6S41");  // the ULID specification's own example
    CHECK(MessageId::parse(id.text()) == id);
    CHECK(id.time() == WallTime(std::chrono::milliseconds(1469918176385)));
}

TEST_CASE("the smallest and the largest id are read, and what lies beyond is not") {
    CHECK(MessageId::parse("00000000000000000000000000") == MessageId());
    const auto largest = MessageId::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    REQUIRE(largest);
    CHECK(largest->text() == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    CHECK_FALSE(MessageId::parse("80000000000000000000000000"));
}

TEST_CASE("what is not exactly an id is none") {
    for (const char* text : {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
                             "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAI",
                             "01ARZ3NDEKTSV4RRFFQ69G5FAL", "01ARZ3NDEKTSV4RRFFQ69G5FAO",
                             "01ARZ3NDEKTSV4RRFFQ69G5FAU", "../../../../../etc/passwd "}) {
        INFO(text);
        CHECK_FALSE(MessageId::parse(text));
    }
}

TEST_CASE("ids sort by their time, and those of one millisecond differ") {
    const auto early = MessageId::generate(WallTime(std::chrono::milliseconds(1000)));
    const auto late = MessageId::generate(WallTime(std::chrono::milliseconds(1001)));
    CHECK(early < late);
    CHECK(early.text() < late.text());
    std::set<MessageId> ids;
    for (int i = 0; i < 1000; ++i) ids.insert(MessageId::generate(WallTime()));
    CHECK(ids.size() == 1000);
}
