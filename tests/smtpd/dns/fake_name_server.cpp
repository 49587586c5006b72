#include "tests/smtpd/dns/fake_name_server.h"

#include <algorithm>
#include <array>

#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/loop/ip_address.h"
#include "smtpd/mail/ascii.h"
#include "tests/catch.h"

namespace holdfast::dns {

namespace {

constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;

std::string number(unsigned value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        text.push_back(static_cast<char>(value >> shift & 0xff));
    }
    return text;
}

unsigned number_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes.at(at)) << 8 |
                                 static_cast<unsigned char>(bytes.at(at + 1)));
}

std::string wire_name(std::string_view name) {
    std::string wire;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        wire.push_back(static_cast<char>(label.size()));
        wire += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return wire + '\0';
}

// Of the question, which is never compressed.
std::string name_at(std::string_view packet, std::size_t& at) {
    std::string name;
    for (auto length = static_cast<std::size_t>(packet.at(at++)); length != 0;
         length = static_cast<std::size_t>(packet.at(at++))) {
        if (!name.empty()) name.push_back('.');
        name += packet.substr(at, length);
        at += length;
    }
    return ascii::lower_case(name);
}

std::string wire_record(const FakeRecord& record) {
    constexpr unsigned class_internet = 1;
    constexpr unsigned time_to_live = 300;
    return wire_name(record.owner) + number(record.type, 2) + number(class_internet, 2) +
           number(time_to_live, 4) + number(static_cast<unsigned>(record.rdata.size()), 2) +
           record.rdata;
}

FakeRecord soa_record() {
    std::string rdata = wire_name("ns.example") + wire_name("admin.example");
    for (const unsigned value : {1U, 300U, 300U, 300U, 300U}) rdata += number(value, 4);
    return {"", type_soa, rdata};
}

UniqueFd bound_socket(int type, const std::string& address, std::uint16_t port) {
    const SocketName name(IpAddress::parse(address).value(), port);
    UniqueFd socket(::socket(name.domain(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(socket);
    // One of the same port may have been here a moment ago.
    const int on = 1;
    if (type == SOCK_STREAM) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE(bind(socket.get(), name.get(), name.length) == 0);
    return socket;
}

}  // namespace

FakeRecord address_record(const std::string& owner, const std::string& literal) {
    const IpAddress address = IpAddress::parse(literal).value();
    const SocketName name(address, 0);
    const bool ipv4 = address.family() == IpAddress::Family::ipv4;
    const auto* const bytes = reinterpret_cast<const char*>(name.get());
    const auto type = ipv4 ? RecordType::a : RecordType::aaaa;
    return {owner, static_cast<std::uint16_t>(type),
            ipv4 ? std::string(bytes + 4, 4) : std::string(bytes + 8, 16)};
}

FakeRecord alias_record(const std::string& owner, const std::string& target) {
    return {owner, type_cname, wire_name(target)};
}

struct FakeNameServer::Stream {
    UniqueFd socket;
    std::string input = {};
    std::unique_ptr<FdWatch> watch = {};
};

FakeNameServer::FakeNameServer(Loop& loop, const std::string& address, std::uint16_t port)
    : loop_(loop), port_(port), udp_(bound_socket(SOCK_DGRAM, address, port)) {
    UniqueFd tcp = bound_socket(SOCK_STREAM, address, port);
    REQUIRE(listen(tcp.get(), 16) == 0);
    udp_watch_ =
        std::make_unique<FdWatch>(loop, udp_.get(), [this](FdWatch::Ready) { on_datagram(); });
    udp_watch_->want_read(true);
    acceptor_ = std::make_unique<Acceptor>(loop, std::move(tcp), address,
                                           [this](UniqueFd fd) { on_connection(std::move(fd)); });
    acceptor_->want_connections(true);
}

FakeNameServer::~FakeNameServer() = default;

void FakeNameServer::script(const std::string& name, RecordType type, FakeReply reply) {
    script_[{name, type}] = std::move(reply);
}

void FakeNameServer::script_both(const std::string& name, const FakeReply& reply) {
    script(name, RecordType::a, reply);
    script(name, RecordType::aaaa, reply);
}

void FakeNameServer::add(const std::string& name, const std::string& literal) {
    FakeRecord record = address_record(name, literal);
    const auto type = static_cast<RecordType>(record.type);
    script_[{name, type}].records.push_back(std::move(record));
}

std::size_t FakeNameServer::times_asked(const std::string& name, RecordType type) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        asked_, [&](const Asked& asked) { return asked.name == name && asked.type == type; }));
}

FakeReply FakeNameServer::reply_to(const Asked& asked) const {
    const auto found = script_.find({asked.name, asked.type});
    if (found != script_.end()) return found->second;
    const bool known = std::ranges::any_of(
        script_, [&](const auto& entry) { return entry.first.first == asked.name; });
    return {.rcode = known ? noerror : nxdomain};
}

std::string FakeNameServer::response_to(std::string_view packet, bool tcp) {
    std::size_t at = 12;
    const std::string name = name_at(packet, at);
    asked_.push_back({name, static_cast<RecordType>(number_at(packet, at)), tcp});
    const std::string_view question = packet.substr(12, at + 4 - 12);
    FakeReply reply = reply_to(asked_.back());
    if (reply.silent) return {};
    const bool truncated = tcp ? reply.truncated_over_tcp : reply.truncated_over_udp;
    if (truncated) reply.records.clear();
    const bool negative = reply.records.empty() && reply.with_soa && !truncated &&
                          (reply.rcode == noerror || reply.rcode == nxdomain);
    // Response, recursion desired and available.
    const unsigned flags = 0x8180U | static_cast<unsigned>(reply.rcode) | (truncated ? 0x200U : 0U);
    std::string response = std::string(packet.substr(0, 2)) + number(flags, 2) + number(1, 2) +
                           number(static_cast<unsigned>(reply.records.size()), 2) +
                           number(negative ? 1 : 0, 2) + number(0, 2);
    response += question;
    for (const FakeRecord& record : reply.records) response += wire_record(record);
    if (negative) response += wire_record(soa_record());
    return response;
}

void FakeNameServer::on_datagram() {
    std::array<char, 4096> buffer{};
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    auto* const sender = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, sender, &length);
    if (got < 0) return;
    const std::string response = response_to({buffer.data(), static_cast<std::size_t>(got)}, false);
    if (!response.empty()) {
        (void)sendto(udp_.get(), response.data(), response.size(), 0, sender, length);
    }
}

void FakeNameServer::on_connection(UniqueFd socket) {
    const int number = socket.get();
    auto& stream = streams_[number] = std::make_unique<Stream>(Stream{std::move(socket)});
    stream->watch = std::make_unique<FdWatch>(
        loop_, number, [this, number](FdWatch::Ready) { on_stream(number); });
    stream->watch->want_read(true);
}

void FakeNameServer::on_stream(int number) {
    Stream& stream = *streams_.at(number);
    std::array<char, 4096> buffer{};
    const ssize_t got = read(stream.socket.get(), buffer.data(), buffer.size());
    if (got <= 0) {
        streams_.erase(number);
        return;
    }
    stream.input.append(buffer.data(), static_cast<std::size_t>(got));
    while (stream.input.size() >= 2 && stream.input.size() >= 2 + number_at(stream.input, 0)) {
        const std::string packet = stream.input.substr(2, number_at(stream.input, 0));
        stream.input.erase(0, 2 + packet.size());
        const std::string response = response_to(packet, true);
        if (response.empty()) continue;
        const std::string framed =
            dns::number(static_cast<unsigned>(response.size()), 2) + response;
        REQUIRE(write(stream.socket.get(), framed.data(), framed.size()) > 0);
    }
}

}  // namespace holdfast::dns
