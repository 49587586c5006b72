#include "queue/store.h"

#include <algorithm>

#include "smtpd/base/crc32c.h"
#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

std::string path(unsigned number) {
    return "queue/" + sample_id(number).text();
}

// A store with one accepted message of two recipients.
struct OneMessage {
    OneMessage() : store(open_store(fs)) {
        publication = accept(*store, sample_envelope(1, 2), sample_body(1));
    }
    FakeFileSystem fs;
    std::unique_ptr<Store> store;
    Publication publication;
};

LoadFault fault(Store& store, unsigned number) {
    const auto message = store.load(sample_id(number), sample_time);
    REQUIRE_FALSE(message);
    return message.error().fault;
}

}  // namespace

TEST_CASE("a message comes back with what was recorded about it") {
    OneMessage one;
    const std::array entries{attempted(0, Verdict::delivered), attempted(1, Verdict::retry)};
    const auto cursor =
        one.store->record(sample_id(1), one.publication.log, entries, Durability::synced);
    REQUIRE(cursor);
    const auto message = one.store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(message->envelope == sample_envelope(1, 2));
    CHECK(message->state.recipients[0].settled());
    CHECK_FALSE(message->state.recipients[1].settled());
    CHECK(message->log.next == 3);
    CHECK(*cursor == LogCursor{one.publication.log.seed, 3, 2});
    CHECK(body_of(*one.store, sample_id(1), message->body) == sample_body(1));
}

TEST_CASE("an append costs open, write and one sync") {
    OneMessage one;
    one.fs.forget_log();
    const std::array entries{attempted(0, Verdict::delivered)};
    REQUIRE(one.store->record(sample_id(1), one.publication.log, entries, Durability::synced));
    CHECK(one.fs.log() ==
          std::vector<std::string>{"open queue", "write queue file", "sync queue file"});
    one.fs.forget_log();
    REQUIRE(one.store->record(sample_id(1), one.publication.log, entries, Durability::lazy));
    CHECK(one.fs.log().size() == 2);
}

TEST_CASE("F40 an append that a full disk cut short can be made again with the same cursor") {
    OneMessage one;
    const std::array entries{attempted(0, Verdict::delivered)};
    one.fs.fail = [](const std::string& call) { return call == "write queue file" ? ENOSPC : 0; };
    const auto failed =
        one.store->record(sample_id(1), one.publication.log, entries, Durability::synced);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == ENOSPC);
    one.fs.fail = nullptr;
    REQUIRE(one.store->record(sample_id(1), one.publication.log, entries, Durability::synced));
    const auto message = one.store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(message->state.recipients[0].settled());
    CHECK(message->state.ignored_lines == 1);
}

TEST_CASE("F39 a failed sync of the log is told") {
    OneMessage one;
    one.fs.fail = [](const std::string& call) { return call == "sync queue file" ? EIO : 0; };
    const std::array entries{attempted(0, Verdict::delivered)};
    CHECK_FALSE(one.store->record(sample_id(1), one.publication.log, entries, Durability::synced));
}

TEST_CASE("a log line beyond all measure is refused, and the log stays as it is") {
    OneMessage one;
    const LogEntry entry{0, Expanded{0, {std::string(max_log_line, 'x')}}};
    const auto recorded = one.store->record(sample_id(1), one.publication.log, std::span(&entry, 1),
                                            Durability::synced);
    REQUIRE_FALSE(recorded);
    CHECK(recorded.error().code() == EMSGSIZE);
    CHECK(one.store->load(sample_id(1), sample_time)->log.next == 1);
}

TEST_CASE("F39 after a failed sync of queue/ nothing is called durable any more") {
    OneMessage one;
    one.fs.fail = [](const std::string& call) { return call == "sync queue" ? EIO : 0; };
    CHECK_FALSE(one.store->sync_queue());
    one.fs.fail = nullptr;
    CHECK_FALSE(one.store->sync_queue());
}

TEST_CASE("F46 a message that was settled before a restart is settled after it") {
    OneMessage one;
    const std::array entries{attempted(0, Verdict::refused), attempted(1, Verdict::delivered)};
    REQUIRE(one.store->record(sample_id(1), one.publication.log, entries, Durability::synced));
    const auto next = one.fs.crash(Survive::nothing);
    const auto store = open_store(*next);
    const auto message = store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(std::ranges::all_of(message->state.recipients, &RecipientState::settled));
    CHECK(message->state.recipients[0].target("").last.text == "a reply");
}

TEST_CASE("F47 flip every bit of a queue file: damaged, or the same message") {
    OneMessage one;
    const std::array first{attempted(0, Verdict::delivered)};
    const std::array second{attempted(1, Verdict::retry)};
    const auto cursor =
        one.store->record(sample_id(1), one.publication.log, first, Durability::synced);
    REQUIRE(one.store->record(sample_id(1), *cursor, second, Durability::synced));
    const std::string file = one.fs.find(path(1))->bytes;
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
        FakeFileSystem fs;
        const auto store = open_store(fs);
        std::string flipped = file;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << (bit % 8));
        fs.plant(path(1), flipped);
        const auto message = store->load(sample_id(1), sample_time);
        if (!message) {
            CHECK(message.error().fault == LoadFault::damaged);
            CHECK(fs.find("quarantine/" + sample_id(1).text())->bytes == flipped);
            CHECK(fs.find(path(1)) == nullptr);
            continue;
        }
        CHECK(message->envelope == sample_envelope(1, 2));
        CHECK(message->state.recipients[0].settled());
        CHECK_FALSE(message->state.recipients[1].settled());
        const std::string body = body_of(*store, sample_id(1), message->body);
        if (body.empty()) CHECK(store->quarantined() == 1U);
        if (!body.empty()) CHECK(body == sample_body(1));
    }
}

TEST_CASE("F47 cut a queue file at every byte: damaged, or only the end of the log is gone") {
    OneMessage one;
    const std::array entries{attempted(0, Verdict::delivered)};
    REQUIRE(one.store->record(sample_id(1), one.publication.log, entries, Durability::lazy));
    const std::string file = one.fs.find(path(1))->bytes;
    const std::size_t log = file.find("\nEND\n") + 5;
    for (std::size_t cut = 0; cut < file.size(); ++cut) {
        FakeFileSystem fs;
        const auto store = open_store(fs);
        fs.plant(path(1), file.substr(0, cut));
        const auto message = store->load(sample_id(1), sample_time);
        REQUIRE(message.has_value() == (cut >= log));
        if (message) CHECK(body_of(*store, sample_id(1), message->body) == sample_body(1));
        if (!message) CHECK(message.error().fault == LoadFault::damaged);
    }
}

TEST_CASE("F47 a large body that is damaged is never handed out, not even its first byte") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto publication = accept(*store, sample_envelope(1), std::string(200'000, 'x'));
    fs.find(path(1))->bytes[180'000] = 'y';
    const auto body = store->open_body(sample_id(1), publication.body);
    REQUIRE_FALSE(body);
    CHECK(body.error().fault == LoadFault::damaged);
    CHECK(store->quarantined() == 1U);
}

TEST_CASE("a body is read in pieces from any offset") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string text = std::string(70'000, 'a') + std::string(70'000, 'b');
    const std::size_t around = GENERATE(10'000U, 70'000U);
    const std::string written = text.substr(70'000 - around, 2 * around);
    const auto publication = accept(*store, sample_envelope(1), written);
    const auto body = store->open_body(sample_id(1), publication.body);
    REQUIRE(body);
    CHECK(body->kept() == (written.size() < 65'536));
    CHECK(body->read(9'990, 20).value() == written.substr(9'990, 20));
    CHECK(body->read(written.size() - 5, 20).value() == "bbbbb");
    CHECK(body->read(written.size(), 20)->empty());
    CHECK(body->read(UINT64_MAX, 20)->empty());
}

TEST_CASE("a file that was cut short while it is read is an error, not a shorter message") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto file = fs.plant("tmp/file", "0123456789");
    auto opened = fs.open(store->folder(Folder::tmp), "file", Open::read);
    REQUIRE(opened);
    const Slice slice(fs, std::move(*opened), 2, 8);
    CHECK(slice.read(4, 100).value() == "6789");
    file->bytes.resize(9);
    CHECK_FALSE(slice.read(4, 100));
}

TEST_CASE("a file under another message's name is damage") {
    OneMessage one;
    one.fs.plant(path(2), one.fs.find(path(1))->bytes);
    CHECK(fault(*one.store, 2) == LoadFault::damaged);
    CHECK(one.store->load(sample_id(1), sample_time));
}

TEST_CASE("quarantine overwrites nothing, and survives a crash") {
    OneMessage one;
    one.fs.plant("quarantine/" + sample_id(1).text(), "an older one");
    one.fs.find(path(1))->bytes[0] = 'x';
    CHECK(fault(*one.store, 1) == LoadFault::damaged);
    CHECK(fault(*one.store, 1) == LoadFault::gone);
    for (unsigned seed = 0; seed < 20; ++seed) {
        const auto next = one.fs.crash(Survive::some, seed);
        CHECK(next->find("quarantine/" + sample_id(1).text() + ".1") != nullptr);
        CHECK(next->find("quarantine/" + sample_id(1).text())->bytes == "an older one");
        CHECK(next->find(path(1)) == nullptr);
    }
}

TEST_CASE("at no point of its way into quarantine is a damaged message lost") {
    OneMessage one;
    for (unsigned call = 1; call < 10; ++call) {
        for (unsigned seed = 0; seed < 30; ++seed) {
            const auto fs = one.fs.crash(Survive::nothing);
            const auto store = open_store(*fs);
            fs->die_at(fs->calls() + call, FakeFileSystem::Death::after);
            (void)store->quarantine(sample_id(1));
            const auto next = fs->crash(Survive::some, seed);
            // Folder operations may reach the disk in any order: with both folders unsynced the
            // file system may have lost both names. A rename is atomic in all that we know.
            const bool kept = next->find(path(1)) != nullptr ||
                              next->find("quarantine/" + sample_id(1).text()) != nullptr;
            if (call >= 2) CHECK(kept);
        }
    }
}

TEST_CASE("what a later version wrote stays where it is") {
    OneMessage one;
    std::string& file = one.fs.find(path(1))->bytes;
    const std::size_t log = file.find("\nEND\n") + 5;
    const std::string line = "1 0 2027-01-15T08:00:00.000Z thawed";
    std::array<char, 10> crc{};
    std::snprintf(crc.data(), crc.size(), " %08x", crc32c(line, one.publication.log.seed));
    file.insert(log, line + crc.data() + "\n");
    CHECK(fault(*one.store, 1) == LoadFault::newer);
    CHECK(queued(*one.store).size() == 1);
    CHECK(publish(*one.store, local_envelope(1), "x")->kind == Published::taken);
}

TEST_CASE("a disk that cannot be read is not a damaged message") {
    OneMessage one;
    const std::string call = GENERATE("open queue", "read queue file");
    const int code = GENERATE(EIO, EMFILE, ENOMEM);
    one.fs.fail = [&](const std::string& called) { return called == call ? code : 0; };
    CHECK(fault(*one.store, 1) == LoadFault::failed);
    const auto body = one.store->open_body(sample_id(1), one.publication.body);
    REQUIRE_FALSE(body);
    CHECK(body.error().fault == LoadFault::failed);
    one.fs.fail = nullptr;
    CHECK(one.store->load(sample_id(1), sample_time));
}

TEST_CASE("a message that seen/ knows is finished, not pending") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    accept(*store, local_envelope(1), "Hello.\n");
    const std::array finished{Submission{1000, sample_id(1)}};
    REQUIRE(store->seen().append(finished, sample_time));
    CHECK(fault(*store, 1) == LoadFault::finished);
    // Others' ids have no place in seen/, so theirs are not looked for.
    accept(*store, sample_envelope(2), "Hello.\n");
    const std::array other{Submission{0, sample_id(2)}};
    REQUIRE(store->seen().append(other, sample_time));
    CHECK(store->load(sample_id(2), sample_time));
}

TEST_CASE("the walk over the queue meets every message once and names strangers") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    for (unsigned i = 0; i < 10; ++i) accept(*store, sample_envelope(i), "x");
    fs.plant("queue/core", "?");
    std::vector<MessageId> met;
    std::vector<std::string> strangers;
    auto scan = store->scan();
    for (;;) {
        const auto batch = scan->next();
        REQUIRE(batch);
        if (batch->last) break;
        met.insert(met.end(), batch->ids.begin(), batch->ids.end());
        strangers.insert(strangers.end(), batch->strangers.begin(), batch->strangers.end());
        // What happens meanwhile does not disturb it.
        REQUIRE(store->remove(batch->ids.empty() ? sample_id(0) : batch->ids.front()));
    }
    std::ranges::sort(met);
    CHECK(met.size() == 10);
    CHECK(std::ranges::unique(met).empty());
    CHECK(strangers == std::vector<std::string>{"core"});
}

TEST_CASE("only old files that nobody writes are reaped from tmp") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    fs.plant("tmp/left-over", "half a mess");
    auto slow = store->draft(sample_envelope(1));
    REQUIRE(slow->append(std::string(100'000, 'x')));
    fs.now += std::chrono::minutes(59);
    CHECK(store->reap(fs.now).value() == 0);
    fs.now += std::chrono::hours(2);
    CHECK(store->reap(fs.now).value() == 1);
    CHECK(fs.find("tmp/left-over") == nullptr);
    REQUIRE(slow->append("the end\n"));
    CHECK(slow->publish(sample_time));
}

TEST_CASE("missing folders are made, wrong modes corrected, and both survive a crash") {
    FakeFileSystem fs;
    auto store = open_store(fs);
    CHECK(fs.find("seen")->mode == 0700);
    fs.find("queue")->mode = 0755;
    store = open_store(fs);
    CHECK(fs.find("queue")->mode == 0700);
    const auto next = fs.crash(Survive::nothing);
    for (const char* name : {"tmp", "queue", "seen", "quarantine"}) CHECK(next->find(name));
}

TEST_CASE(
    "what an earlier process removed and did not sync stays removed once a store was opened") {
    OneMessage one;
    REQUIRE(one.store->remove(sample_id(1)));
    const auto restarted = open_store(one.fs);
    CHECK(queued(*restarted).empty());
    const auto next = one.fs.crash(Survive::nothing);
    const auto store = open_store(*next);
    CHECK(queued(*store).empty());
}

TEST_CASE("one process schedules at a time") {
    FakeFileSystem fs;
    const auto first = open_store(fs);
    const auto second = open_store(fs);
    auto lock = first->try_lock();
    REQUIRE(lock);
    REQUIRE(*lock);
    CHECK_FALSE(second->try_lock().value());
    lock->reset();
    CHECK(second->try_lock().value());
}

TEST_CASE("a process knows whether others may commit into its spool") {
    FakeFileSystem fs;
    const auto first = open_store(fs);
    CHECK(first->alone().value());
    auto second = open_store(fs);
    CHECK_FALSE(first->alone().value());
    // To have asked has cost neither its own lock.
    CHECK_FALSE(second->alone().value());
    CHECK_FALSE(first->alone().value());
    second.reset();
    CHECK(first->alone().value());
    const auto third = open_store(fs);
    CHECK_FALSE(third->alone().value());
}

TEST_CASE("removing twice is no error, and a file is shown as it stands") {
    OneMessage one;
    const auto text = one.store->open_text(sample_id(1));
    REQUIRE(text);
    CHECK(text->read(0, 100'000).value() == one.fs.find(path(1))->bytes);
    CHECK(one.store->remove(sample_id(1)));
    CHECK(one.store->remove(sample_id(1)));
    CHECK_FALSE(one.store->open_text(sample_id(1)));
}

}  // namespace holdfast::queue
