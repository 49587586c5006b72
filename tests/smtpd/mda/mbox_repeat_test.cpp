// Exactly once: whatever an earlier attempt left in the mailbox, a repeated delivery ends with one
// complete message.
#include <unistd.h>

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

// As it comes from qmgr: the first line that Holdfast wrote names the message.
std::string traced(unsigned number, const std::string& message) {
    return "Received: from mail.example.org ([192.0.2.1])\n\tby host (Holdfast) with ESMTP id " +
           order_of(number).id.text() + ";\n\tSat, 21 Nov 2026 07:50:18 +0000\n" + message;
}

const std::string first = traced(1, "Subject: first\n\nFrom the first\n");
const std::string second = traced(2, "Subject: second\n\nFrom me\n\n>From you\n\nFrost\nend");
// Bytes of a rendered message up to the end of its id.
std::size_t mark_end(const std::string& whole, unsigned number) {
    const std::string id = order_of(number).id.text();
    return whole.find(id) + id.size();
}

}  // namespace

TEST_CASE("a repeated delivery after a cut at any byte leaves one complete message") {
    const Box box;
    const std::string before = GENERATE(std::string(), Box().rendered(1, first));
    const std::string whole = box.rendered(2, second);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        for (const std::size_t zeros : {0U, 1U, 4096U}) {
            // A file system may leave zeros where data did not reach the disk.
            write_file(box.file, before + whole.substr(0, cut) + std::string(zeros, '\0'));
            INFO("cut at " << cut << " of " << whole.size() << ", zeros " << zeros);
            REQUIRE(box.again(2, second) == Verdict::delivered);
            const std::string after = box.bytes();
            if (cut + 1 >= whole.size() && zeros > 0) continue;  // whole; the zeros are nobody's
            if (cut >= mark_end(whole, 2)) {
                const std::string expected = cut + 1 == whole.size() ? whole.substr(0, cut) : whole;
                REQUIRE(after == before + expected);
            } else {
                // Too little to be known again, which only a loss of power can leave.
                REQUIRE(after.starts_with(before + whole.substr(0, cut)));
                REQUIRE(after.ends_with(whole));
            }
        }
    }
}

TEST_CASE("a torn message that others have written behind is left alone and written anew") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    const std::string other = box.rendered(1, first);
    for (std::size_t cut = mark_end(whole, 2); cut + 2 < whole.size(); ++cut) {
        for (const char* end : {"\n\n", "\n"}) {
            for (const std::size_t zeros : {0U, 700'000U}) {
                const std::string torn = whole.substr(0, cut) + std::string(zeros, '\0') + end;
                if (zeros > 0 && cut % 50 != 0) continue;
                write_file(box.file, torn + other);
                INFO("cut at " << cut << " of " << whole.size() << ", zeros " << zeros);
                REQUIRE(box.again(2, second) == Verdict::delivered);
                REQUIRE(box.bytes() == torn + other + whole);
            }
        }
    }
}

TEST_CASE("a message that is there is found, however much follows it") {
    const Box box;
    REQUIRE(box.once(1, first) == Verdict::delivered);
    REQUIRE(box.once(2, second) == Verdict::delivered);
    const std::string third = traced(3, std::string(300'000, 'x'));
    REQUIRE(box.once(3, third) == Verdict::delivered);
    REQUIRE(box.once(4, traced(4, std::string(300'000, 'x'))) == Verdict::delivered);
    const std::string before = box.bytes();
    CHECK(box.again(1, first) == Verdict::delivered);
    CHECK(box.again(2, second) == Verdict::delivered);
    CHECK(box.again(3, third) == Verdict::delivered);
    CHECK(box.bytes() == before);
    // The same text in another message is another delivery.
    CHECK(box.again(5, traced(5, "Subject: second\n")) == Verdict::delivered);
    CHECK(messages_of(box.bytes()).size() == 5);
}

TEST_CASE("a bounce, which is known by its Message-ID, is found too") {
    const Box box;
    const std::string bounce = "From: MAILER-DAEMON@host\nTo: <alice@host>\nMessage-ID: <" +
                               order_of(2).id.text() + "@host>\n\nSorry.\n";
    REQUIRE(box.once(2, bounce) == Verdict::delivered);
    const std::string before = box.bytes();
    CHECK(box.again(2, bounce) == Verdict::delivered);
    CHECK(box.bytes() == before);
}

TEST_CASE("a message is found wherever it lies across the blocks of the search") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    // The search reads blocks of 256 KiB from the end: move the border over the whole head.
    for (const std::string& before : {std::string(), box.rendered(1, first)}) {
        for (std::size_t shift = 0; shift <= mark_end(whole, 2) + 3; ++shift) {
            const std::size_t behind = 256 * 1024 - whole.size() + shift;
            const std::string mailbox =
                before + whole + "From x Sat\n\n" + std::string(behind - 14, 'x') + "\n\n";
            write_file(box.file, mailbox);
            INFO("shift " << shift);
            REQUIRE(box.again(2, second) == Verdict::delivered);
            REQUIRE(box.bytes() == mailbox);
        }
    }
}

TEST_CASE("what a mail program changed in a message doesn't make it another one") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    std::string read = whole;
    read.insert(read.find("\n\n") + 1, "Status: RO\nX-Status: A\n");
    std::string dated = whole;
    dated.replace(0, dated.find('\n'), "From bob@example.org Sat Nov 21 08:50:18 2026");
    std::string shorter = whole;
    shorter.pop_back();
    const std::string after = box.rendered(1, first);
    for (const std::string& changed : {read, dated, shorter}) {
        for (const std::string& mailbox : {changed, changed + after}) {
            write_file(box.file, mailbox);
            CHECK(box.again(2, second) == Verdict::delivered);
            CHECK(box.bytes() == mailbox);
        }
    }
}

TEST_CASE("the mark of a message counts at the start of a message only") {
    const Box box;
    const std::string whole = box.rendered(2, second);
    const std::string before = box.rendered(1, first);
    const auto found = [&](const std::string& mailbox) {
        write_file(box.file, mailbox);
        REQUIRE(box.again(2, second) == Verdict::delivered);
        return box.bytes() == mailbox;
    };
    CHECK(found(before + whole));
    CHECK_FALSE(found(before + ">" + whole));
    CHECK_FALSE(found(before + whole.substr(whole.find('\n') + 1)));
    CHECK_FALSE(found(before + "X" + whole));
    for (const char* field : {"Return-Path: ", "Delivered-To: ", "Received: "}) {
        std::string forged = whole;
        forged.insert(forged.find(field), "X-");
        CHECK_FALSE(found(before + forged));
    }
}

TEST_CASE("a message whose text quotes the lines of a delivery does not pass for it") {
    const Box box;
    const std::string target = box.rendered(2, second);
    SECTION("in its body") {
        REQUIRE(box.once(1, traced(1, "Subject: forged\n\n" + target + "\n" + target)) ==
                Verdict::delivered);
    }
    SECTION("in its header") {
        REQUIRE(box.once(1, traced(1, target.substr(target.find('\n') + 1))) == Verdict::delivered);
    }
    SECTION("before anything of ours") {
        REQUIRE(box.once(1, target) == Verdict::delivered);
    }
    const std::string before = box.bytes();
    CHECK(box.again(2, second) == Verdict::delivered);
    CHECK(box.bytes() == before + target);
}

TEST_CASE("a batch of which some is there gets the rest, and a torn one again") {
    const Box box;
    std::vector<Parcel> batch;
    std::string expected;
    std::size_t known = 0;
    for (unsigned i = 1; i <= 5; ++i) {
        links::Deliver order = order_of(i);
        order.repeated = true;
        const std::string message = traced(i, "Subject: x\n\nx\n");
        batch.push_back(mbox_parcel(box.mbox, order, message));
        known = mark_end(box.rendered(i, message), i);
        expected += box.rendered(i, message);
    }
    const std::size_t each = expected.size() / 5;
    for (std::size_t cut = 0; cut <= expected.size(); cut += 7) {
        if (cut % each > 0 && cut % each < known) continue;
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
    const std::string large = traced(2, "Subject: large\n\n" + std::string(1'000'000, 'x') + "\n");
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
    for (const std::size_t cut : {0UL, 300UL, 500'000UL, whole.size() - 2, whole.size()}) {
        write_file(box.file, whole.substr(0, cut));
        std::vector<Parcel> batch;
        batch.push_back(spilled());
        const auto outcomes = box.mbox.store(batch);
        REQUIRE(outcomes.size() == 1);
        CHECK(outcomes[0].verdict == Verdict::delivered);
        CHECK(box.bytes() == whole);
    }
    CHECK(access(box.folder.at(".alice." + order_of(2).id.text()).c_str(), F_OK) != 0);
}

TEST_CASE("a temporary file that a killed agent has left is no obstacle") {
    const Box box;
    const std::string left = box.folder.at(".alice." + order_of(2).id.text());
    write_file(left, "half a message");
    const auto file = box.mbox.spill_file(order_of(2));
    REQUIRE(file);
    CHECK(access(left.c_str(), F_OK) != 0);
}
