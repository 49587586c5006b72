#include "queue/layout.h"

#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

TEST_CASE("names in the spool are told apart") {
    const MessageId id = sample_id(1);
    CHECK(parse_message_name(message_name(id)) == id);
    CHECK_FALSE(parse_message_name(draft_name(id, 1, 2)));
    CHECK_FALSE(parse_message_name(drop_name(id).append(drop_draft_suffix)));
    CHECK_FALSE(parse_message_name("../../etc/shadow0000000000"));
    CHECK(draft_name(id, 1, 2) != draft_name(id, 1, 3));
    CHECK(draft_name(id, 1, 2) != draft_name(id, 2, 2));
    CHECK(parse_message_name(drop_name(id)) == id);
}

TEST_CASE("a day's file is named after the day in UTC") {
    CHECK(seen_name(sample_time) == "2027-01-15");
    CHECK(is_seen_name("2027-01-15"));
    for (const char* name : {"", "2027-01-1", "2027-01-155", "2027_01-15", "2027-01-1x"}) {
        CHECK_FALSE(is_seen_name(name));
    }
}

TEST_CASE("names in quarantine say where they came from and never meet") {
    CHECK(quarantine_name(Folder::queue, "a", 0) == "a");
    CHECK(quarantine_name(Folder::queue, "a", 2) == "a.2");
    CHECK(quarantine_name(Folder::drop, "a", 0) == "drop-a");
}

}  // namespace holdfast::queue
