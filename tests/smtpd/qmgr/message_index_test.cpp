#include "smtpd/qmgr/message_index.h"

#include <map>
#include <random>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

MessageId number(unsigned value) {
    const std::string digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string text(MessageId::text_length, '0');
    for (std::size_t at = text.size(); value > 0; value /= 32) text[--at] = digits[value % 32];
    return *MessageId::parse(text);
}

MonoTime at(std::int64_t seconds) {
    return MonoTime(std::chrono::seconds(seconds));
}

// The same by the simplest means.
struct Model {
    std::map<MessageId, std::optional<MonoTime>> items;

    std::optional<MonoTime> next() const {
        std::optional<MonoTime> first;
        for (const auto& [id, when] : items) {
            if (when && (!first || *when < *first)) first = when;
        }
        return first;
    }
};

}  // namespace

TEST_CASE("what is due comes in the order of its time, and nothing comes early") {
    MessageIndex index;
    for (const unsigned i : {5U, 3U, 9U, 1U}) index.schedule(index.add(number(i)), at(i));
    CHECK(index.next() == at(1));
    CHECK(index.take_due(at(0)) == nullptr);
    CHECK(index.take_due(at(4))->first == number(1));
    CHECK(index.take_due(at(4))->first == number(3));
    CHECK(index.take_due(at(4)) == nullptr);
    index.schedule(*index.find(number(9)), at(2));
    CHECK(index.take_due(at(4))->first == number(9));
    CHECK(index.size() == 4);
}

TEST_CASE("the index agrees with a simple model after any run of changes") {
    std::minstd_rand generator(48);
    const auto random = [&] { return static_cast<unsigned>(generator()); };
    for (int round = 0; round < 20; ++round) {
        MessageIndex index;
        Model model;
        for (int step = 0; step < 2000; ++step) {
            const MessageId id = number(random() % 60 + 1);
            const MonoTime when = at(random() % 50);
            switch (random() % 5) {
                case 0:
                    index.add(id);
                    model.items.try_emplace(id);
                    break;
                case 1:
                    index.erase(id);
                    model.items.erase(id);
                    break;
                case 2:
                    if (auto* item = index.find(id)) {
                        index.schedule(*item, when);
                        model.items[id] = when;
                    }
                    break;
                case 3:
                    if (auto* item = index.find(id)) {
                        index.unschedule(*item);
                        model.items[id].reset();
                    }
                    break;
                default: {
                    const auto* due = index.take_due(when);
                    const auto next = model.next();
                    REQUIRE((due != nullptr) == (next && *next <= when));
                    if (due != nullptr) {
                        REQUIRE(model.items.at(due->first) == next);
                        model.items[due->first].reset();
                    }
                }
            }
            REQUIRE(index.size() == model.items.size());
            REQUIRE(index.next() == model.next());
        }
        auto expected = model.items.begin();
        for (auto* item = index.behind({}); item != nullptr; item = index.behind(item->first)) {
            REQUIRE(item->first == (expected++)->first);
        }
        REQUIRE(expected == model.items.end());
        REQUIRE(index.count(Phase::queued) == model.items.size());
    }
}

TEST_CASE("the counts follow the phases") {
    MessageIndex index;
    auto& item = index.add(number(1));
    index.add(number(2));
    index.set_phase(item, Phase::active);
    CHECK(index.count(Phase::queued) == 1);
    CHECK(index.count(Phase::active) == 1);
    index.erase(number(1));
    CHECK(index.count(Phase::active) == 0);
    CHECK(index.find(number(1)) == nullptr);
}

TEST_CASE("a message in the index costs at most 160 bytes") {
    // Two nodes of trees: three pointers and a colour each, and what malloc adds.
    const std::size_t node = 32 + 8;
    CHECK(sizeof(MessageIndex::Item) + node + sizeof(MessageIndex::Item*) + node <= 160);
}
