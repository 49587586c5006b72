#include "smtpd/qmgr/drop_order.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

MessageId fresh() {
    return MessageId::generate(real_clock().wall());
}

}  // namespace

TEST_CASE("a user who left very many files delays nobody else's") {
    DropOrder order;
    std::vector<MessageId> flood;
    for (int i = 0; i < 100; ++i) {
        flood.push_back(fresh());
        REQUIRE(order.add(1000, flood.back()));
    }
    const MessageId other = fresh();
    const MessageId third = fresh();
    REQUIRE(order.add(2000, other));
    REQUIRE(order.add(70000, third));
    CHECK(order.take() == flood[0]);
    CHECK(order.take() == other);
    CHECK(order.take() == third);
    CHECK(order.take() == flood[1]);
    CHECK(order.take() == flood[2]);
}

TEST_CASE("a file is known until it is released, and the number of known ones is bounded") {
    DropOrder order;
    const MessageId id = fresh();
    CHECK(order.add(1, id));
    CHECK_FALSE(order.add(1, id));
    CHECK(order.take() == id);
    CHECK(order.knows(id));
    CHECK_FALSE(order.add(2, id));
    order.release(id);
    CHECK_FALSE(order.knows(id));
    CHECK_FALSE(order.take());
    for (std::size_t i = 0; i < DropOrder::max_of_user; ++i) REQUIRE(order.add(1, fresh()));
    CHECK_FALSE(order.add(1, fresh()));
    CHECK(order.add(2, fresh()));
}
