#include "smtpd/links/transfer_sender.h"

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using links::TransferSender;

namespace {

std::vector<std::size_t> kinds(const std::vector<TransferSender::Message>& messages) {
    std::vector<std::size_t> result;
    for (const auto& message : messages) result.push_back(message.index());
    return result;
}

constexpr std::size_t begin = 0;
constexpr std::size_t recipients = 1;
constexpr std::size_t chunk = 2;
constexpr std::size_t end = 3;

TransferSender sender() {
    TransferSender result(links::Begin{7, {}, 0});
    result.add({{"bob@example.org", {}, notify_default}});
    return result;
}

}  // namespace

TEST_CASE("qmgr hears of a small message when it is complete, and of all of it at once") {
    TransferSender small = sender();
    small.append("hello\n");
    CHECK(small.take().empty());
    CHECK_FALSE(small.begun());
    small.end();
    CHECK(kinds(small.take()) == std::vector{begin, recipients, chunk, end});
    CHECK(small.done());
    CHECK(small.take().empty());
    TransferSender empty = sender();
    empty.end();
    CHECK(kinds(empty.take()) == std::vector{begin, recipients, end});
}

TEST_CASE("a complete body whose end does not fit into the window is full until there is credit") {
    TransferSender large = sender();
    large.append(std::string(links::window + 10, 'x'));
    large.end();
    large.take();
    CHECK(large.held() == 10);
    CHECK(large.full());
    large.credit(10);
    CHECK(kinds(large.take()) == std::vector{chunk, end});
    CHECK_FALSE(large.full());
}

TEST_CASE("a body goes in full chunks, no more than a window of them under way") {
    TransferSender large = sender();
    std::string sent;
    std::string body;
    for (std::size_t i = 0; body.size() < 2 * links::window; ++i) body += std::to_string(i) + "\n";
    for (std::size_t at = 0; at < body.size(); at += 1000) large.append(body.substr(at, 1000));
    large.end();
    std::size_t under_way = 0;
    while (!large.done()) {
        const auto messages = large.take();
        for (const auto& message : messages) {
            const auto* some = std::get_if<links::Chunk>(&message);
            if (some == nullptr) continue;
            sent += some->bytes;
            under_way += some->bytes.size();
            CHECK((some->bytes.size() == max_chunk || sent.size() == body.size()));
        }
        CHECK(under_way <= links::window);
        if (large.done()) CHECK(std::get<links::End>(messages.back()).length == body.size());
        under_way -= std::min(under_way, max_chunk);
        large.credit(max_chunk);
    }
    CHECK(sent == body);
}

TEST_CASE("F21 however many recipients there are, every message of them fits into a frame") {
    TransferSender many(links::Begin{7, {}, 0});
    std::vector<Recipient> all;
    for (int i = 0; i < 100'000; ++i) {
        all.push_back({"user" + std::to_string(i) + "@example.org", {}, notify_default});
    }
    many.add(all, {550, "5.1.1", "no"});
    many.end();
    std::size_t total = 0;
    for (const auto& message : many.take()) {
        const auto* some = std::get_if<links::Recipients>(&message);
        if (some == nullptr) continue;
        CHECK(some->refusal.code == 550);
        total += some->recipients.size();
        links::Encoder encoder;
        encoder.put(*some);
        REQUIRE(encoder.bytes.size() + frame_header < max_packet);
    }
    CHECK(total == all.size());
}

TEST_CASE("bytes above 127 make a message an eight bit one, as far as they come before its start") {
    TransferSender early = sender();
    early.append("x\xc3\xa4\n");
    early.end();
    CHECK(std::get<links::Begin>(early.take().front()).envelope.eight_bit);
    TransferSender plain = sender();
    plain.append("x\n");
    plain.end();
    CHECK_FALSE(std::get<links::Begin>(plain.take().front()).envelope.eight_bit);
}
