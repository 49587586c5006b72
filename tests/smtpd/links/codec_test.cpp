#include "smtpd/links/codec.h"

#include <fcntl.h>
#include <unistd.h>

#include "smtpd/links/control_client.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/snapshots.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::links;

namespace {

enum class Colour : std::uint8_t { red, green };

struct Inner {
    std::string name;
    std::int64_t number = 0;
};

struct Old {
    std::uint16_t first = 0;
    Inner inner;
};

// What Old becomes in a later version: members are appended, in structs inside as well.
struct NewInner {
    std::string name;
    std::int64_t number = 0;
    std::vector<std::string> more;
};

struct New {
    std::uint16_t first = 0;
    NewInner inner;
    bool flag = true;
    Colour colour = Colour::green;
};

struct WithFds {
    UniqueFd one;
    std::vector<UniqueFd> more;
};

template <class Variant>
std::string frame_of(const Variant& message) {
    Encoder encoder;
    encoder.put_frame(message);
    return encoder.bytes;
}

template <class Variant>
std::optional<Variant> decode(std::string_view frame, Tail tail = Tail::strict) {
    Decoder decoder(frame, {}, tail);
    return decoder.take_frame<Variant>();
}

}  // namespace

template <>
inline constexpr unsigned holdfast::links::enum_limit<Colour> = 2;

TEST_CASE("the members of a struct are found, whatever their types and their number") {
    STATIC_REQUIRE(member_count<SubmitEnd>() == 0);
    STATIC_REQUIRE(member_count<WithFds>() == 2);
    STATIC_REQUIRE(member_count<Plan>() == 12);
    STATIC_REQUIRE(member_count<Submit>() == 12);
    Old old{7, {"x", 9}};
    std::get<1>(tie_members(old)).number = 8;
    CHECK(old.inner.number == 8);
}

TEST_CASE("a message comes back as it was sent, every kind of member") {
    Submit submit;
    submit.id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    submit.sender = std::string("a\0b", 3);
    submit.sender_given = true;
    submit.hops = 7;
    submit.ret = Return::headers;
    submit.length = 1ULL << 40;
    const auto back = decode<ClientToControl>(frame_of(ClientToControl(submit)));
    REQUIRE(back);
    const auto& same = std::get<Submit>(*back);
    CHECK(same.id == submit.id);
    CHECK(same.sender == submit.sender);
    CHECK(same.ret == Return::headers);
    CHECK(same.length == 1ULL << 40);
    CHECK(frame_of(*back) == frame_of(ClientToControl(submit)));
}

TEST_CASE("negative numbers and nested lists come back") {
    QueueItem item;
    item.admitted = -5;
    item.recipients = {{"a@b", "x"}, {"c@d", ""}};
    const auto back = decode_struct<QueueItem>(encode_struct(item));
    REQUIRE(back);
    CHECK(back->admitted == -5);
    REQUIRE(back->recipients.size() == 2);
    CHECK(back->recipients[1].address == "c@d");
}

TEST_CASE("a frame that is cut anywhere is malformed where the tail is strict") {
    Submit submit;
    submit.sender = "alice";
    const std::string frame = frame_of(ClientToControl(submit));
    for (std::size_t length = 0; length < frame.size(); ++length) {
        INFO(length);
        CHECK_FALSE(decode<ClientToControl>(std::string_view(frame).substr(0, length)));
    }
    CHECK_FALSE(decode<ClientToControl>(frame + "x"));
}

TEST_CASE("an old reader skips what a newer writer has appended, inside structs too") {
    using Newer = std::variant<New>;
    using Older = std::variant<Old>;
    New message;
    message.first = 3;
    message.inner = {"name", 9, {"more"}};
    const std::string frame = frame_of(Newer(message));
    const auto back = decode<Older>(frame, Tail::skip);
    REQUIRE(back);
    CHECK(std::get<Old>(*back).first == 3);
    CHECK(std::get<Old>(*back).inner.name == "name");
    CHECK(std::get<Old>(*back).inner.number == 9);
    CHECK_FALSE(decode<Older>(frame, Tail::strict));
}

TEST_CASE("a new reader keeps its defaults for what an older writer does not send") {
    Old message;
    message.inner.number = 4;
    const auto back = decode<std::variant<New>>(frame_of(std::variant<Old>(message)), Tail::skip);
    REQUIRE(back);
    const auto& read = std::get<New>(*back);
    CHECK(read.inner.number == 4);
    CHECK(read.flag);
    CHECK(read.colour == Colour::green);
}

TEST_CASE("a value outside its type is malformed") {
    New message;
    std::string frame = frame_of(std::variant<New>(message));
    SECTION("an enumerator that there is not") {
        frame.back() = 2;
    }
    SECTION("a bool that is neither") {
        frame[frame.size() - 2] = 2;
    }
    SECTION("a struct that there is not") {
        frame[0] = 1;
    }
    CHECK_FALSE(decode<std::variant<New>>(frame));
}

TEST_CASE("F21 a huge count or length in a small frame costs nothing") {
    std::string frame("\x01\x00\xff\xff\xff\xff", 6);
    CHECK_FALSE(decode<ClientToControl>(frame));
    frame += std::string(100, '\0');
    CHECK_FALSE(decode<ClientToControl>(frame));
}

TEST_CASE("descriptors travel beside the bytes, in order, and their absence is said") {
    using Message = std::variant<WithFds>;
    WithFds sent;
    sent.one = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    sent.more.emplace_back();
    sent.more.emplace_back(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    Encoder encoder;
    encoder.put_frame(Message(std::move(sent)));
    // The encoder borrows numbers; here they would be gone with the message, so two stand in.
    REQUIRE(encoder.fds.size() == 2);
    std::vector<UniqueFd> carried;
    carried.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    carried.emplace_back(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    const int first = carried[0].get();
    const int second = carried[1].get();

    Decoder decoder(encoder.bytes, carried, Tail::strict);
    const auto back = decoder.take_frame<Message>();
    REQUIRE(back);
    const auto& got = std::get<WithFds>(*back);
    CHECK(got.one.get() == first);
    REQUIRE(got.more.size() == 2);
    CHECK_FALSE(got.more[0]);
    CHECK(got.more[1].get() == second);

    Decoder too_few(encoder.bytes, std::span(carried).first(1), Tail::strict);
    CHECK_FALSE(too_few.take_frame<Message>());
}

TEST_CASE("descriptors that a later version has appended are passed over, and no other is moved") {
    struct Later {
        UniqueFd known;
        UniqueFd unknown;
    };
    struct Earlier {
        UniqueFd known;
    };
    struct LaterPair {
        Later first;
        Later second;
    };
    struct EarlierPair {
        Earlier first;
        Earlier second;
    };
    const auto open_null = [] { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); };
    const LaterPair sent{{open_null(), open_null()}, {open_null(), open_null()}};
    Encoder encoder;
    encoder.put(sent);
    std::vector<UniqueFd> carried;
    for (int i = 0; i < 4; ++i) carried.push_back(open_null());
    const int third = carried[2].get();
    const auto back = decode_struct<EarlierPair>(encoder.bytes, Tail::skip, carried);
    REQUIRE(back);
    CHECK(back->second.known.get() == third);
    CHECK(carried[1]);
    CHECK(carried[3]);
}

TEST_CASE("a descriptor that is named twice is malformed") {
    std::vector<UniqueFd> carried;
    carried.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::string one("\x01\0", 2);
    const std::string twice("\x0a\0\0\0", 4);
    const std::string list("\x02\0\0\0", 4);
    CHECK_FALSE(decode_struct<WithFds>(twice + std::string(2, '\0') + list + one + one,
                                       Tail::strict, carried));
}

TEST_CASE("a frame of a kind that only a later version has is told from nonsense") {
    CHECK(Decoder::is_of_later_kind<ClientToControl>(std::string("\xff\0more", 6)));
    CHECK_FALSE(Decoder::is_of_later_kind<ClientToControl>(std::string("\0\0", 2)));
    CHECK_FALSE(Decoder::is_of_later_kind<ClientToControl>("\xff"));
    CHECK_FALSE(Decoder::is_of_later_kind<ClientToControl>(""));
}

TEST_CASE("a snapshot is read back from its memfd, and nobody can change it") {
    ControlSnapshot snapshot{"host", "origin", 5};
    const auto fd = seal_struct("control", snapshot);
    REQUIRE(fd);
    CHECK(write(fd->get(), "x", 1) < 0);
    CHECK(ftruncate(fd->get(), 0) != 0);
    const auto back = read_struct<ControlSnapshot>(fd->get());
    REQUIRE(back);
    CHECK(back->hostname == "host");
    CHECK(back->max_message_bytes == 5);
}

TEST_CASE("a snapshot that is none is an error") {
    const auto fd = seal_bytes("x", "nonsense");
    REQUIRE(fd);
    CHECK_FALSE(read_struct<Plan>(fd->get()));
}
