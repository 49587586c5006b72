// Exactly once: whatever an earlier attempt left in the mailbox, a repeated delivery ends with one
// complete message.
#include <fcntl.h>

#include "smtpd/mda/mbox_search.h"
#include "smtpd/mda/trace.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

struct Box {
    Scratch folder;
    Mbox mbox = open_mbox(folder.path());
    std::string file = folder.at("alice");

    std::string bytes() const { return read_file(file); }

    Verdict again(unsigned number, const std::string& message) const {
        links::Deliver order = order_of(number);
        order.repeated = true;
        return deliver(mbox, order, message).verdict;
    }
    Verdict once(unsigned number, const std::string& message) const {
        return deliver(mbox, order_of(number), message).verdict;
    }
    std::string rendered(unsigned number, const std::string& message) const {
        return std::string(mbox_parcel(mbox, order_of(number), message).content.memory());
    }
};

const std::string first = "Subject: first\n\nFrom the first\n";
const std::string second = "Subject: second\n\nFrom me\n\n>From you\n\nend";

}  // namespace

TEST_CASE("a repeated delivery after a cut at any byte leaves one complete message") {
    const Box box;
    REQUIRE(box.once(1, first) == Verdict::delivered);
    const std::string before = box.bytes();
    const std::string whole = box.rendered(2, second);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        for (const std::size_t zeros : {0U, 1U, 4096U}) {
            // A file system may leave zeros where data did not reach the disk, as far as the
            // planned end.
            if (zeros > whole.size() - cut) continue;
            write_file(box.file, before + whole.substr(0, cut) + std::string(zeros, '\0'));
            INFO("cut at " << cut << " of " << whole.size() << ", zeros " << zeros);
            REQUIRE(box.again(2, second) == Verdict::delivered);
            if (cut == 0 && zeros > 0) continue;  // zeros alone are nobody's
            REQUIRE(box.bytes() == before + whole);
        }
    }
}

TEST_CASE("a repeated delivery into an empty mailbox after a cut at any byte") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        write_file(box.file, whole.substr(0, cut));
        INFO("cut at " << cut);
        REQUIRE(box.again(2, second) == Verdict::delivered);
        REQUIRE(box.bytes() == whole);
    }
}

TEST_CASE("a message that is there is found, however much follows it") {
    const Box box;
    REQUIRE(box.once(1, first) == Verdict::delivered);
    REQUIRE(box.once(2, second) == Verdict::delivered);
    const std::string filler(300'000, 'x');
    REQUIRE(box.once(3, filler) == Verdict::delivered);
    REQUIRE(box.once(4, filler) == Verdict::delivered);
    const std::string before = box.bytes();
    CHECK(box.again(1, first) == Verdict::delivered);
    CHECK(box.again(2, second) == Verdict::delivered);
    CHECK(box.again(3, filler) == Verdict::delivered);
    CHECK(box.bytes() == before);
    // The same message for another recipient is another delivery.
    links::Deliver other = order_of(2);
    other.recipient = 1;
    other.repeated = true;
    CHECK(deliver(box.mbox, other, second).verdict == Verdict::delivered);
    CHECK(messages_of(box.bytes()).size() == 5);
}

TEST_CASE("a tag is found wherever it lies across the blocks of the search") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    const std::size_t tag_end = whole.find(';');
    // The search reads blocks of 256 KiB from the end: move the border over the whole head.
    for (std::size_t shift = 0; shift <= tag_end + 3; ++shift) {
        const std::size_t behind = 256 * 1024 - whole.size() + shift;
        write_file(box.file, whole + "From x Sat\n\n" + std::string(behind - 14, 'x') + "\n\n");
        const UniqueFd fd(open(box.file.c_str(), O_RDONLY));
        const auto found =
            find_deliveries(fd.get(), whole.size() + behind, {delivery_tag(order_of(2))});
        INFO("shift " << shift);
        REQUIRE(found);
        REQUIRE(found->size() == 1);
        CHECK(found->begin()->second == 0);
    }
}

TEST_CASE("header lines that a mail program added don't make it another message") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    std::string read = whole;
    read.insert(read.find("\n\n") + 1, "Status: RO\nX-Status: A\n");
    const std::string after = box.rendered(1, first);
    for (const std::string& mailbox : {read, read + after}) {
        write_file(box.file, mailbox);
        CHECK(box.again(2, second) == Verdict::delivered);
        CHECK(box.bytes() == mailbox);
    }
}

TEST_CASE("a torn message that others have written behind is left alone and written anew") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    const std::string torn = whole.substr(0, whole.size() - 10) + "\n\n";
    const std::string other = box.rendered(1, first);
    write_file(box.file, torn + other);
    CHECK(box.again(2, second) == Verdict::delivered);
    CHECK(box.bytes() == torn + other + whole);
}

TEST_CASE("a tag counts in the lines of a delivery only") {
    const Box box;
    const std::string tag = delivery_tag(order_of(2));
    const auto found = [&](const std::string& mailbox) {
        write_file(box.file, mailbox);
        const UniqueFd fd(open(box.file.c_str(), O_RDONLY));
        const auto result = find_deliveries(fd.get(), mailbox.size(), {tag});
        REQUIRE(result);
        return !result->empty();
    };
    const std::string whole = box.rendered(2, second);
    const std::string before = box.rendered(1, first);
    CHECK(found(before + whole));
    CHECK_FALSE(found(before + ">" + whole));
    CHECK_FALSE(found(before + whole.substr(whole.find('\n') + 1)));
    CHECK_FALSE(found(before + "X" + whole));
    for (const std::string_view field : {return_path_field, delivered_to_field, received_field}) {
        std::string forged = whole;
        forged.insert(forged.find(field), "X-");
        CHECK_FALSE(found(before + forged));
    }
}

TEST_CASE("a message whose text quotes the lines of a delivery does not pass for it") {
    const Box box;
    const std::string target = box.rendered(2, second);
    SECTION("in its body") {
        REQUIRE(box.once(1, "Subject: forged\n\n" + target + "\n" + target) == Verdict::delivered);
    }
    SECTION("in its header") {
        REQUIRE(box.once(1, target.substr(target.find('\n') + 1)) == Verdict::delivered);
    }
    const std::string before = box.bytes();
    CHECK(box.again(2, second) == Verdict::delivered);
    CHECK(box.bytes() == before + target);
}

TEST_CASE("a batch of which some is there gets the rest, and a torn one again") {
    const Box box;
    std::vector<Parcel> batch;
    std::string expected;
    for (unsigned i = 1; i <= 5; ++i) {
        links::Deliver order = order_of(i);
        order.repeated = true;
        batch.push_back(mbox_parcel(box.mbox, order, second));
        expected += box.rendered(i, second);
    }
    for (std::size_t cut = 0; cut <= expected.size(); cut += 7) {
        write_file(box.file, expected.substr(0, cut));
        const auto outcomes = box.mbox.store(batch);
        REQUIRE(outcomes.size() == 5);
        for (const Outcome& outcome : outcomes) CHECK(outcome.verdict == Verdict::delivered);
        INFO("cut at " << cut);
        REQUIRE(box.bytes() == expected);
    }
}

TEST_CASE("a large message that waits in a file is compared and written like a small one") {
    const Box box;
    const std::string large = "Subject: large\n\n" + std::string(1'000'000, 'x') + "\n";
    const auto spilled = [&] {
        links::Deliver order = order_of(2);
        order.repeated = true;
        Parcel parcel = mbox_parcel(box.mbox, order, large);
        auto file = box.mbox.spill_file(order);
        REQUIRE(file);
        REQUIRE(parcel.content.spill(std::move(*file)));
        return parcel;
    };
    const std::string whole = box.rendered(2, large);
    for (const std::size_t cut : {0UL, 300UL, 500'000UL, whole.size() - 1, whole.size()}) {
        write_file(box.file, whole.substr(0, cut));
        std::vector<Parcel> batch;
        batch.push_back(spilled());
        const auto outcomes = box.mbox.store(batch);
        REQUIRE(outcomes.size() == 1);
        CHECK(outcomes[0].verdict == Verdict::delivered);
        CHECK(box.bytes() == whole);
    }
    CHECK(access(box.folder.at(".alice." + delivery_tag(order_of(2))).c_str(), F_OK) != 0);
}

TEST_CASE("a temporary file that a killed agent has left is no obstacle") {
    const Box box;
    const std::string left = box.folder.at(".alice." + delivery_tag(order_of(2)));
    write_file(left, "half a message");
    const auto file = box.mbox.spill_file(order_of(2));
    REQUIRE(file);
    CHECK(access(left.c_str(), F_OK) != 0);
}
