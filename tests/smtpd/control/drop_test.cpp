// Files of drop/, which qmgr brings and nobody trusts.
#include <sys/socket.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"
#include "tests/smtpd/control/room_under_test.h"

using namespace holdfast;

namespace {

std::string file_of(const std::vector<links::ClientToControl>& messages) {
    std::string file;
    for (const auto& message : messages) {
        links::Encoder encoder;
        encoder.put_frame(message);
        std::string packet;
        append_frame(packet, encoder.bytes);
        append_frame(file, packet);
    }
    return file;
}

// Brings `file` in pieces, as fast as it gets credit.
void bring(RoomUnderTest& house, const std::string& file, std::size_t piece) {
    house.qmgr->send(links::DropBegin{5, 4711});
    for (std::size_t at = 0; at < file.size(); at += piece) {
        house.qmgr->send(links::DropBytes{5, file.substr(at, piece)});
    }
    house.qmgr->send(links::DropEnd{5});
}

const links::DropBad* bad(const RoomUnderTest& house) {
    return house.qmgr->first<links::DropBad>();
}

}  // namespace

TEST_CASE("a file of drop/ becomes a submission of its owner, however its bytes are cut") {
    const std::string file = file_of(submission_of("Subject: x\n\nhello\n"));
    const std::size_t piece = GENERATE(1UL, 2UL, 3UL, 7UL, 50UL, 1000UL);
    RoomUnderTest house;
    bring(house, file, piece);
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    const auto& begin = *house.qmgr->first<links::Begin>();
    CHECK(begin.drop == 5);
    CHECK(begin.envelope.uid == 4711);
    CHECK(begin.envelope.source == Source::local);
    std::size_t credit = 0;
    for (const auto* some : house.qmgr->all<links::DropCredit>()) credit += some->bytes;
    CHECK(credit == file.size());
    CHECK(bad(house) == nullptr);
}

TEST_CASE("F31 a file that can never become a message is called bad, with the reason") {
    RoomUnderTest house;
    auto messages = submission_of("Subject: x\n\nhello\n");
    std::string file = file_of(messages);
    SECTION("cut short") {
        file.resize(file.size() - 3);
    }
    SECTION("without its end") {
        messages.pop_back();
        file = file_of(messages);
    }
    SECTION("empty") {
        file.clear();
    }
    SECTION("not packets at all") {
        file = "From: a text file\n\nhello\n";
    }
    SECTION("requests in place of a submission") {
        file = file_of({links::StopRequest{true}});
    }
    SECTION("an empty packet before all else, as in a file of zeros") {
        file.insert(0, 4, '\0');
    }
    SECTION("an empty chunk") {
        messages.insert(messages.begin() + 2, links::SubmitBytes{});
        file = file_of(messages);
    }
    SECTION("two submissions") {
        file += file;
    }
    SECTION("no recipients") {
        messages.erase(messages.begin() + 1);
        file = file_of(messages);
    }
    bring(house, file, 1000);
    // The good half of a double file stands: what was handed over is qmgr's.
    REQUIRE(house.until(
        [&] { return bad(house) != nullptr || house.qmgr->first<links::End>() != nullptr; }));
    if (bad(house) != nullptr) CHECK_FALSE(bad(house)->why.empty());
}

TEST_CASE("F47 a file of drop/ with any byte changed never harms the room") {
    const std::string file = file_of(submission_of("Subject: x\n\nhello\n"));
    RoomUnderTest house;
    std::uint64_t drop = 100;
    for (std::size_t at = 0; at < file.size(); ++at) {
        std::string damaged = file;
        damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
        house.qmgr->send(links::DropBegin{++drop, 1});
        house.qmgr->send(links::DropBytes{drop, damaged});
        house.qmgr->send(links::DropEnd{drop});
    }
    house.qmgr->send(links::DropBegin{++drop, 1});
    house.qmgr->send(links::DropBytes{drop, file});
    house.qmgr->send(links::DropEnd{drop});
    CHECK(house.until([&] {
        for (const auto* begin : house.qmgr->all<links::Begin>()) {
            if (begin->drop == drop) return true;
        }
        return false;
    }));
}

TEST_CASE("a file that is cut after qmgr has heard of its message is taken back") {
    RoomUnderTest house;
    auto messages = submission_of("Subject: x\n\n" + std::string(2 * max_chunk, 'x'));
    messages.pop_back();
    bring(house, file_of(messages), 1000);
    CHECK(house.until([&] { return bad(house) && house.qmgr->first<links::Abort>(); }));
}

TEST_CASE("a drop file waits while users is away") {
    RoomUnderTest house;
    house.users->answer_with({});
    bring(house, file_of(submission_of("Subject: x\n\nhello\n")), 1000);
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    house.users->hang_up();
    house.start_users();
    CHECK(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    CHECK(bad(house) == nullptr);
}

TEST_CASE("a file of zeros is called bad at its first packet, and costs nothing more") {
    RoomUnderTest house;
    bring(house, std::string(200'000, '\0'), max_chunk);
    REQUIRE(house.until([&] { return bad(house) != nullptr; }));
    CHECK(house.qmgr->all<links::DropCredit>().empty());
}

TEST_CASE("a file of very many packets is given credit for many of them at once") {
    RoomUnderTest house;
    auto messages = submission_of("Subject: x\n\nhello\n");
    const links::SubmitRecipients bob{{"bob"}};
    messages.insert(messages.begin() + 1, 10'000, links::ClientToControl(bob));
    const std::string file = file_of(messages);
    bring(house, file, max_chunk);
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    const auto credits = house.qmgr->all<links::DropCredit>();
    CHECK(credits.size() <= file.size() / max_chunk + 2);
    std::size_t sum = 0;
    for (const auto* some : credits) sum += some->bytes;
    CHECK(sum == file.size());
}
