#include "smtpd/loop/channel.h"

#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;

namespace {

struct Word {
    std::string text;
};
struct Gift {
    UniqueFd fd;
};
using Message = std::variant<Word, Gift>;

// One end; what is done with each word is the test's choice.
struct End {
    End(Loop& loop, UniqueFd socket) {
        if (socket) channel.emplace(loop, std::move(socket), *this);
    }

    void on(Word&& word) {
        words.push_back(std::move(word.text));
        if (on_word) on_word();
    }
    void on(Gift&& gift) { gifts.push_back(std::move(gift.fd)); }
    void on_end(ChannelEnd how) {
        ended = how;
        if (on_ended) on_ended();
    }
    void on_drained() { ++drained; }

    std::vector<std::string> words;
    std::vector<UniqueFd> gifts;
    std::optional<ChannelEnd> ended;
    int drained = 0;
    std::function<void()> on_word;
    std::function<void()> on_ended;
    std::optional<Channel<Message, Message>> channel;
};

std::string packet_of(const std::vector<Message>& messages) {
    std::string packet;
    for (const Message& message : messages) {
        links::Encoder encoder;
        encoder.put_frame(message);
        append_frame(packet, encoder.bytes);
    }
    return packet;
}

std::vector<Message> words(const std::vector<std::string>& texts) {
    std::vector<Message> result;
    for (const auto& text : texts) result.emplace_back(Word{text});
    return result;
}

}  // namespace

TEST_CASE("what is sent in one turn leaves in one packet, in order") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    for (const char* text : {"one", "two", "three"}) end.channel->send(Word{text});
    CHECK(receive_packet(theirs.get()).error().code() == EAGAIN);
    REQUIRE(turn_until(loop, [&] { return end.drained == 1; }));
    const auto packet = receive_packet(theirs.get());
    REQUIRE(packet);
    CHECK(packet->bytes == packet_of(words({"one", "two", "three"})));
    CHECK(receive_packet(theirs.get()).error().code() == EAGAIN);
}

TEST_CASE("messages arrive in order, those with descriptors among them") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End sender(loop, std::move(ours));
    End receiver(loop, std::move(theirs));
    sender.channel->send(Word{"before"});
    sender.channel->send(Gift{UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC))});
    sender.channel->send(Gift{});
    sender.channel->send(Word{"behind"});
    REQUIRE(turn_until(loop, [&] { return receiver.words.size() == 2; }));
    REQUIRE(receiver.gifts.size() == 2);
    struct stat facts{};
    CHECK(fstat(receiver.gifts[0].get(), &facts) == 0);
    CHECK(S_ISCHR(facts.st_mode));
    CHECK_FALSE(receiver.gifts[1]);
}

TEST_CASE("F26 a malformed packet ends the channel, and only what came before it is heard") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    const std::string good = packet_of(words({"good"}));
    std::vector<int> fds;
    std::string bytes;
    SECTION("a frame that is cut") {
        bytes = good + "\x09\0";
    }
    SECTION("a message that there is not") {
        bytes = good + std::string("\x02\0\0\0\x07\0", 6);
    }
    SECTION("bytes behind the members") {
        bytes = good + std::string("\x07\0\0\0\0\0\0\0\0\0x", 11);
    }
    SECTION("a descriptor that is missing") {
        bytes = good + std::string("\x04\0\0\0\x01\0\x01\0", 8);
    }
    REQUIRE(send_packet(theirs.get(), bytes));
    REQUIRE(turn_until(loop, [&] { return end.ended.has_value(); }));
    CHECK(end.ended == ChannelEnd::malformed);
    CHECK(end.words == std::vector<std::string>{"good"});
}

TEST_CASE("an end that knows of later versions passes over their messages, and no malformed ones") {
    struct LenientEnd : End {
        using End::End;
        void on_unknown() { ++unknown; }
        int unknown = 0;
    };
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    LenientEnd end(loop, {});
    end.channel.emplace(loop, std::move(ours), end);
    const std::string unknown("\x05\0\0\0\x07\0new", 9);
    const std::string cut("\x03\0\0\0\0\0x", 7);
    REQUIRE(send_packet(theirs.get(), unknown + packet_of(words({"known"})) + cut));
    REQUIRE(turn_until(loop, [&] { return end.ended.has_value(); }));
    CHECK(end.unknown == 1);
    CHECK(end.words == std::vector<std::string>{"known"});
    CHECK(end.ended == ChannelEnd::malformed);
}

TEST_CASE("descriptors with more than one frame, or too large a packet, are malformed") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    SECTION("two frames") {
        const std::vector<int> fds{0};
        REQUIRE(send_packet(theirs.get(), packet_of(words({"a", "b"})), fds));
    }
    SECTION("too large") {
        REQUIRE(send_packet(theirs.get(), std::string(max_packet + 1, 'x')));
    }
    REQUIRE(turn_until(loop, [&] { return end.ended.has_value(); }));
    CHECK(end.ended == ChannelEnd::malformed);
}

TEST_CASE("the peer's end is told once, after all that it sent") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    REQUIRE(send_packet(theirs.get(), packet_of(words({"last"}))));
    theirs.reset();
    REQUIRE(turn_until(loop, [&] { return end.ended.has_value(); }));
    CHECK(end.ended == ChannelEnd::closed);
    CHECK(end.words == std::vector<std::string>{"last"});
    end.channel->send(Word{"into the void"});
    loop.post([] {});
    loop.turn();
    CHECK(end.channel->backlog() == 0);
}

TEST_CASE("a peer that does not read makes a backlog, which empties when it does") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End sender(loop, std::move(ours));
    const std::string text(60'000, 'x');
    std::size_t sent = 0;
    while (sender.channel->backlog() < 1'000'000) {
        sender.channel->send(Word{text});
        ++sent;
        loop.post([] {});
        loop.turn();
    }
    End receiver(loop, std::move(theirs));
    REQUIRE(turn_until(loop, [&] { return receiver.words.size() == sent; }));
    CHECK(sender.channel->backlog() == 0);
}

TEST_CASE("a channel that is told not to read leaves its messages in the socket") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    end.channel->want_read(false);
    REQUIRE(send_packet(theirs.get(), packet_of(words({"later"}))));
    loop.post([] {});
    loop.turn();
    CHECK(end.words.empty());
    end.channel->want_read(true);
    CHECK(turn_until(loop, [&] { return end.words.size() == 1; }));
}

TEST_CASE("a channel may be destroyed inside its own callbacks") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET | SOCK_NONBLOCK);
    End end(loop, std::move(ours));
    end.channel->send(Word{"never leaves"});
    SECTION("on a message, with more of the packet to come") {
        end.on_word = [&] { end.channel.reset(); };
        REQUIRE(send_packet(theirs.get(), packet_of(words({"one", "two"}))));
    }
    SECTION("at the end") {
        end.on_ended = [&] { end.channel.reset(); };
        theirs.reset();
    }
    SECTION("at a malformed message") {
        end.on_ended = [&] { end.channel.reset(); };
        REQUIRE(send_packet(theirs.get(), "xx"));
    }
    REQUIRE(turn_until(loop, [&] { return !end.channel.has_value(); }));
    CHECK(end.words.size() <= 1);
    loop.post([] {});
    loop.turn();
}
