// Files of drop/, which qmgr brings and nobody trusts.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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

// Brings a file, as qmgr does.
void bring(RoomUnderTest& house, const std::string& bytes, std::uint64_t drop = 5) {
    UniqueFd file(memfd_create("drop", MFD_CLOEXEC));
    REQUIRE(pwrite(file.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    house.qmgr->send(links::DropBegin{drop, 4711, bytes.size(), std::move(file)});
}

const links::DropBad* bad(const RoomUnderTest& house) {
    return house.qmgr->first<links::DropBad>();
}

}  // namespace

TEST_CASE("a file of drop/ becomes a submission of its owner, of one piece or of many") {
    const std::size_t size = GENERATE(10UL, 65'000UL, 1'000'000UL);
    RoomUnderTest house;
    bring(house, file_of(submission_of("Subject: x\n\n" + std::string(size, 'x') + "\n")));
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    const auto& begin = *house.qmgr->first<links::Begin>();
    CHECK(begin.drop == 5);
    CHECK(begin.envelope.uid == 4711);
    CHECK(begin.envelope.source == Source::local);
    std::size_t length = 0;
    for (const auto* chunk : house.qmgr->all<links::Chunk>()) length += chunk->bytes.size();
    CHECK(length > size);
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
        file = file_of({links::OrderRequest{links::Order::stop, true}});
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
    bring(house, file);
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
        bring(house, damaged, ++drop);
    }
    bring(house, file, ++drop);
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
    bring(house, file_of(messages));
    CHECK(house.until([&] { return bad(house) && house.qmgr->first<links::Abort>(); }));
}

TEST_CASE("a drop file waits while users is away") {
    RoomUnderTest house;
    house.users->answer_with({});
    bring(house, file_of(submission_of("Subject: x\n\nhello\n")));
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    house.users->hang_up();
    house.start_users();
    CHECK(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    CHECK(bad(house) == nullptr);
}

TEST_CASE("a file of zeros is called bad at its first packet, and not read to its end") {
    RoomUnderTest house;
    UniqueFd file(memfd_create("drop", MFD_CLOEXEC));
    REQUIRE(ftruncate(file.get(), 200'000) == 0);
    const UniqueFd same(dup(file.get()));  // the offset is shared
    house.qmgr->send(links::DropBegin{5, 4711, 200'000, std::move(file)});
    REQUIRE(house.until([&] { return bad(house) != nullptr; }));
    CHECK(lseek(same.get(), 0, SEEK_CUR) <= 64 * 1024);
}

TEST_CASE("F31 of a file that grows, or is cut short, what was there when it was opened counts") {
    const std::string whole = file_of(submission_of("Subject: x\n\nhello\n"));
    RoomUnderTest house;
    UniqueFd file(memfd_create("drop", MFD_CLOEXEC));
    SECTION("it grows") {
        REQUIRE(write(file.get(), (whole + "more").data(), whole.size() + 4) > 0);
        REQUIRE(lseek(file.get(), 0, SEEK_SET) == 0);
        house.qmgr->send(links::DropBegin{5, 4711, whole.size(), std::move(file)});
        REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
        CHECK(bad(house) == nullptr);
    }
    SECTION("it is cut short") {
        REQUIRE(pwrite(file.get(), whole.data(), whole.size() - 1, 0) > 0);
        house.qmgr->send(links::DropBegin{5, 4711, whole.size(), std::move(file)});
        REQUIRE(house.until([&] { return bad(house) != nullptr; }));
        CHECK(bad(house)->why == "the file ends inside a packet");
    }
    SECTION("it cannot be read") {
        house.qmgr->send(links::DropBegin{5, 4711, 10, UniqueFd(open("/", O_RDONLY | O_CLOEXEC))});
        REQUIRE(house.until([&] { return bad(house) != nullptr; }));
        CHECK(bad(house)->why == "read the file: Is a directory");
    }
}

TEST_CASE("a large file is read a piece in a turn, so that nobody waits for all of it") {
    RoomUnderTest house;
    const std::string bytes =
        file_of(submission_of("Subject: x\n\n" + std::string(1'000'000, 'x') + "\n"));
    UniqueFd file(memfd_create("drop", MFD_CLOEXEC));
    REQUIRE(pwrite(file.get(), bytes.data(), bytes.size(), 0) > 0);
    const UniqueFd same(dup(file.get()));  // the offset is shared
    house.qmgr->send(links::DropBegin{5, 4711, bytes.size(), std::move(file)});
    off_t before = 0;
    off_t most = 0;
    REQUIRE(house.until([&] {
        const off_t now = lseek(same.get(), 0, SEEK_CUR);
        most = std::max(most, now - std::exchange(before, now));
        return house.qmgr->first<links::End>() != nullptr;
    }));
    CHECK(before == static_cast<off_t>(bytes.size()));
    CHECK(most == 64 * 1024);
}
