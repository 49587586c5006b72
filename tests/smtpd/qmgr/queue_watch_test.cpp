#include "smtpd/qmgr/queue_watch.h"

#include <filesystem>

#include "queue/store.h"
#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

std::unique_ptr<queue::Store> open_store(const std::string& path) {
    auto folder = queue::open_spool(path.c_str());
    REQUIRE(folder);
    auto store = queue::Store::open(queue::real_file_system(), std::move(*folder));
    REQUIRE(store);
    return std::move(*store);
}

}  // namespace

TEST_CASE("another process is told of before it can commit, and what it commits while asked for") {
    std::string folder = "/tmp/holdfast-watch-XXXXXX";
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    const auto ours = open_store(folder);
    Loop loop;
    unsigned newcomers = 0;
    std::vector<MessageId> arrived;
    auto watch = QueueWatch::open(loop, folder,
                                  {[&] { ++newcomers; },
                                   [&](const std::vector<MessageId>& ids) {
                                       arrived.insert(arrived.end(), ids.begin(), ids.end());
                                   },
                                   [] { FAIL("nothing was lost"); }});
    REQUIRE(watch);
    CHECK(ours->alone().value());
    const auto theirs = open_store(folder);
    while (newcomers == 0) loop.turn();

    const auto commit = [&] {
        Envelope envelope;
        envelope.id = MessageId::generate(real_clock().wall());
        envelope.recipients.push_back({"a@example.org", {}, notify_default});
        auto draft = theirs->draft(envelope);
        REQUIRE((draft && draft->append("x\n") && draft->publish(real_clock().wall())));
        return envelope.id;
    };
    commit();
    REQUIRE((*watch)->watch_queue());
    const MessageId second = commit();
    while (arrived.empty()) loop.turn();
    CHECK(arrived == std::vector{second});
    (*watch)->ignore_queue();
    commit();
    REQUIRE((*watch)->watch_queue());
    const MessageId fourth = commit();
    while (arrived.size() == 1) loop.turn();
    CHECK(arrived.back() == fourth);
    CHECK(newcomers == 1);
    watch->reset();
    std::filesystem::remove_all(folder);
}
