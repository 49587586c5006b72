#include "queue/draft.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

using Calls = std::vector<std::string>;

std::string large_body() {
    return std::string(100 * 1024, 'x') + "\n";
}

// Makes the calls of this name fail.
auto failing(std::string name, int code) {
    return
        [name = std::move(name), code](const std::string& call) { return call == name ? code : 0; };
}

}  // namespace

TEST_CASE("a small message costs open, write, sync and rename, and the body is as it was") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    fs.forget_log();
    const auto published = publish(*store, sample_envelope(1), "Hello.\n");
    REQUIRE(published);
    CHECK(fs.log() == Calls{"open tmp", "write tmp file", "sync tmp file", "rename queue"});
    CHECK(body_of(*store, sample_id(1), published->body) == "Hello.\n");
}

TEST_CASE("nothing is written for a message that is given up early") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    fs.forget_log();
    {
        auto draft = store->draft(sample_envelope(1));
        REQUIRE(draft->append("Hello.\n"));
        CHECK(draft->in_memory());
    }
    CHECK(fs.log().empty());
}

TEST_CASE("a large message goes to disk as it comes, and its first line is put right at the end") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string body = large_body();
    auto draft = store->draft(sample_envelope(1, 2));
    for (std::size_t at = 0; at < body.size(); at += 5000) {
        REQUIRE(draft->append(std::string_view(body).substr(at, 5000)));
    }
    CHECK_FALSE(draft->in_memory());
    CHECK_FALSE(draft->stays_in_memory(0));
    CHECK(draft->length() == body.size());
    const auto published = draft->publish(sample_time);
    REQUIRE(published);
    const auto message = store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(message->envelope == sample_envelope(1, 2));
    CHECK(message->body == published->body);
    CHECK(message->log == published->log);
    CHECK(body_of(*store, sample_id(1), message->body) == body);
}

TEST_CASE("verdicts that a draft was given are on disk with it, and its log goes on behind them") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string body = GENERATE(std::string("small\n"), large_body());
    auto draft = store->draft(sample_envelope(1, 3),
                              {attempted(2, Verdict::refused), attempted(0, Verdict::refused)});
    REQUIRE(draft);
    REQUIRE(draft->append(body));
    const auto published = draft->publish(sample_time);
    REQUIRE(published);
    auto message = store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(body_of(*store, sample_id(1), message->body) == body);
    CHECK(message->state.recipients[0].settled());
    CHECK_FALSE(message->state.recipients[1].settled());
    CHECK(message->state.recipients[2].settled());
    CHECK(message->state.ignored_lines == 0);
    CHECK(published->log.next == message->log.next);

    const std::vector entries{attempted(1, Verdict::delivered)};
    REQUIRE(store->record(sample_id(1), published->log, entries, Durability::synced));
    message = store->load(sample_id(1), sample_time);
    REQUIRE(message);
    CHECK(message->state.recipients[1].settled());
    CHECK(message->log.synced == 2);
}

TEST_CASE("a message of a file's size in memory is the same on disk as one that was streamed") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string body(Draft::memory_limit, 'x');
    REQUIRE(publish(*store, sample_envelope(1), body));
    const std::string whole = fs.find("queue/" + sample_id(1).text())->bytes;
    REQUIRE(store->remove(sample_id(1)));
    auto draft = store->draft(sample_envelope(1));
    REQUIRE(draft->append(body.substr(1)));
    CHECK(draft->stays_in_memory(1));
    CHECK_FALSE(draft->stays_in_memory(2));
    REQUIRE(store->remove(sample_id(1)));
    auto streamed = store->draft(sample_envelope(1));
    REQUIRE(streamed->append(body + "y"));
    REQUIRE(streamed->publish(sample_time));
    CHECK(fs.find("queue/" + sample_id(1).text())->bytes.size() == whole.size() + 1);
}

TEST_CASE("a large message that is given up leaves nothing in tmp") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    {
        auto draft = store->draft(sample_envelope(1));
        REQUIRE(draft->append(large_body()));
        CHECK(fs.find("tmp")->entries.size() == 1);
    }
    CHECK(fs.find("tmp")->entries.empty());
}

TEST_CASE("F38 the file is synced before it gets its name in the queue") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    for (const std::string& body : {std::string("small\n"), large_body()}) {
        fs.forget_log();
        REQUIRE(publish(*store, sample_envelope(static_cast<unsigned>(body.size())), body));
        const Calls log = fs.log();
        const auto sync = std::ranges::find(log, "sync tmp file");
        const auto rename = std::ranges::find(log, "rename queue");
        CHECK(sync < rename);
        CHECK(std::find(sync, log.end(), "write tmp file") == log.end());
        CHECK(rename != log.end());
    }
}

TEST_CASE("F39 a failed sync of the file is final though a second one would succeed") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    unsigned syncs = 0;
    fs.fail = [&](const std::string& call) {
        if (call == "sync tmp file") ++syncs;
        return call == "sync tmp file" ? EIO : 0;
    };
    fs.forget_log();
    const auto published = publish(*store, sample_envelope(1), "Hello.\n");
    REQUIRE_FALSE(published);
    CHECK(published.error().code() == EIO);
    const Calls log = fs.log();
    CHECK(std::ranges::count(log, "sync tmp file") == 1);
    CHECK(fs.find("tmp")->entries.empty());
    CHECK(queued(*store).empty());
    fs.fail = nullptr;
    CHECK(publish(*store, sample_envelope(1), "Hello.\n"));
}

TEST_CASE("F40 a full disk shows as ENOSPC, leaves nothing behind, and passes") {
    const std::string body = GENERATE(std::string("small\n"), large_body());
    const std::string call =
        GENERATE("open tmp", "write tmp file", "sync tmp file", "rename queue");
    const int code = GENERATE(ENOSPC, EDQUOT);
    FakeFileSystem fs;
    const auto store = open_store(fs);
    fs.fail = failing(call, code);
    const auto published = publish(*store, sample_envelope(1), body);
    REQUIRE_FALSE(published);
    CHECK(published.error().code() == code);
    CHECK(fs.find("tmp")->entries.empty());
    CHECK(queued(*store).empty());
    fs.fail = nullptr;
    CHECK(publish(*store, sample_envelope(1), body));
}

TEST_CASE("space is made before the failure is told") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    auto draft = store->draft(sample_envelope(1));
    REQUIRE(draft->append("Hello.\n"));
    fs.fail = failing("sync tmp file", ENOSPC);
    CHECK_FALSE(draft->publish(sample_time));
    CHECK(fs.find("tmp")->entries.empty());
}

TEST_CASE("the same submission is recognised, somebody else's is not overwritten") {
    const bool no_rename_flag = GENERATE(false, true);
    FakeFileSystem fs;
    fs.no_rename_flag = no_rename_flag;
    const auto store = open_store(fs);
    accept(*store, local_envelope(1, 1000), "first\n");
    const std::string file = fs.find("queue/" + sample_id(1).text())->bytes;
    CHECK(publish(*store, local_envelope(1, 1000), "first\n")->kind == Published::repeated);
    CHECK(publish(*store, local_envelope(1, 1001), "second\n")->kind == Published::taken);
    CHECK(publish(*store, sample_envelope(1), "third\n")->kind == Published::taken);
    CHECK(fs.find("queue/" + sample_id(1).text())->bytes == file);
    CHECK(fs.find("tmp")->entries.empty());
}

TEST_CASE("without the rename flag a message is linked, and its first name goes") {
    FakeFileSystem fs;
    fs.no_rename_flag = true;
    const auto store = open_store(fs);
    accept(*store, sample_envelope(1), "Hello.\n");
    CHECK(queued(*store).size() == 1);
    CHECK(fs.find("tmp")->entries.empty());
    fs.fail = failing("remove tmp", EIO);
    const auto published = publish(*store, sample_envelope(2), "Hello.\n");
    REQUIRE(published);
    CHECK(published->kind == Published::fresh);
}

TEST_CASE("a finished submission is recognised before anything is written") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::array finished{Submission{1000, sample_id(1)}};
    REQUIRE(store->seen().append(finished, sample_time));
    fs.forget_log();
    CHECK(publish(*store, local_envelope(1, 1000), "Hello.\n")->kind == Published::repeated);
    const Calls log = fs.log();
    CHECK(std::ranges::count(log, "open tmp") == 0);
    CHECK(publish(*store, local_envelope(1, 1001), "Hello.\n")->kind == Published::fresh);
}

TEST_CASE("a submission that is finished while its repeat is written is not queued again") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    accept(*store, local_envelope(1), "Hello.\n");
    const std::array finished{Submission{1000, sample_id(1)}};
    bool done = false;
    fs.before = [&](const std::string& call) {
        if (call != "rename queue" || std::exchange(done, true)) return;
        REQUIRE(store->seen().append(finished, sample_time));
        REQUIRE(store->seen().sync());
        REQUIRE(store->remove(sample_id(1)));
    };
    CHECK(publish(*store, local_envelope(1), "Hello.\n")->kind == Published::repeated);
    CHECK(queued(*store).empty());
}

TEST_CASE("a repeat of a damaged message puts that aside and is asked to come again") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    accept(*store, local_envelope(1), "Hello.\n");
    fs.find("queue/" + sample_id(1).text())->bytes[100] ^= 1;
    const auto again = publish(*store, local_envelope(1), "Hello.\n");
    REQUIRE_FALSE(again);
    CHECK(again.error().code() == EAGAIN);
    CHECK(store->quarantined() == 1U);
    CHECK(publish(*store, local_envelope(1), "Hello.\n")->kind == Published::fresh);
}

TEST_CASE("an envelope without recipients, or of absurd size, is refused before anything else") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    CHECK(store->draft(sample_envelope(1, 0)).error().code() == EINVAL);
    Envelope envelope = sample_envelope(1);
    envelope.sender = std::string(max_envelope, 'x');
    CHECK(store->draft(envelope).error().code() == EMSGSIZE);
}

}  // namespace holdfast::queue
