#include "tests/smtpd/smtpin/tls_house.h"

#include <array>
#include <utility>

#include <sys/socket.h>

#include "smtpd/base/packet.h"
#include "smtpd/tls/key_kind.h"
#include "tests/catch.h"

namespace holdfast::smtpin {

namespace {

signer::KeyRing shared_keys() {
    signer::KeyRing keys;
    for (const tls::KeyKind kind : tls::all_kinds) {
        const auto number = static_cast<std::uint32_t>(kind);
        const links::KeyFile file{number, "key", tls::file_with(tls::pem_of(tls::shared_key(kind))),
                                  "chain", tls::any_chain()};
        REQUIRE(keys.load(1, file).error.empty());
    }
    return keys;
}

std::string answer_to(const signer::KeyRing& keys, links::Sign question) {
    question.key.set = 1;
    const auto signature = keys.sign(question);
    const links::Signed answer{question.request, signature.value_or(""),
                               signature ? "" : signature.error()};
    links::Encoder encoder;
    encoder.put_frame(links::SignerToSmtpin(answer));
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

}  // namespace

SignerThread::SignerThread() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    for_room_.reset(ends[0]);
    socket_.reset(ends[1]);
    for (const tls::KeyKind kind : tls::all_kinds) tls::shared_key(kind);
    thread_ = std::thread([this, socket = socket_.get()] { answer_all(socket); });
}

SignerThread::~SignerThread() {
    vanish();
}

void SignerThread::vanish() {
    if (!thread_.joinable()) return;
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
    socket_.reset();
}

void SignerThread::answer_all(int socket) const {
    static const signer::KeyRing keys = shared_keys();
    while (true) {
        const auto packet = receive_packet(socket);
        if (!packet || packet->bytes.empty()) return;
        std::string_view rest = packet->bytes;
        const auto frame = take_frame(rest);
        if (!frame) return;
        links::Decoder decoder(*frame, {}, links::Tail::strict);
        auto message = decoder.take_frame<links::SmtpinToSigner>();
        if (!message) return;
        if (!send_packet(socket, answer_to(keys, std::get<links::Sign>(std::move(*message))))) {
            return;
        }
    }
}

void TlsClient::start_tls(const tls::ClientWishes& wishes) {
    tls_.emplace(plain_.take_socket(), wishes);
}

void TlsClient::send(std::string_view bytes) {
    REQUIRE(tls_->write(bytes));
}

bool TlsClient::secure() {
    tls_->advance();
    return tls_->connected;
}

std::string TlsClient::last_line() {
    tls_->advance();
    std::string_view text = tls_->text;
    if (!text.ends_with("\r\n")) return {};
    text.remove_suffix(2);
    const std::size_t start = text.rfind("\r\n");
    return std::string(start == std::string_view::npos ? text : text.substr(start + 2));
}

bool TlsClient::at_end() {
    tls_->advance();
    return tls_->closed;
}

links::CertificateFile certificate_file(tls::KeyKind kind, const tls::Issue& issue) {
    const auto certificate = tls::issue(tls::shared_key(kind), issue);
    return {issue.names.empty() ? "mx.example" : issue.names.front(),
            "/etc/" + issue.common_name + ".pem",
            static_cast<std::uint32_t>(kind),
            tls::public_key_of(tls::shared_key(kind)),
            tls::file_with(tls::pem_of(certificate.get())),
            "/etc/" + issue.common_name + ".key"};
}

links::LoadCertificates set_of(std::uint64_t number, const std::vector<std::string>& hosts) {
    links::LoadCertificates set{number, {}, false};
    for (const std::string& host : hosts) {
        const std::string common_name = host + " of set " + std::to_string(number);
        set.certificates.push_back(certificate_file(tls::KeyKind::ecdsa_p256,
                                                    {.names = {host}, .common_name = common_name}));
    }
    return set;
}

TlsHouse::TlsHouse(links::SmtpinSnapshot snapshot) : House(std::move(snapshot)) {
    tls::library();  // which ignores SIGPIPE
    replace_signer();
    starttls_port = listen(links::TlsMode::starttls);
    implicit_port = listen(links::TlsMode::implicit);
}

void TlsHouse::replace_signer() {
    signer.emplace();
    tell_room(links::Peer{links::Room::signer, signer->take_channel()});
}

void TlsHouse::use(links::LoadCertificates set) {
    const std::uint64_t number = set.set;
    tell_room(std::move(set));
    tell_room(links::UseCertificates{number});
    until([&] { return !in_use.empty() && in_use.back() == number; });
}

std::unique_ptr<TlsClient> TlsHouse::client_behind_starttls() {
    auto client = std::make_unique<TlsClient>(starttls_port);
    client->plain().send("EHLO c.example\r\nSTARTTLS\r\n");
    until([&] { return client->plain().last_line() == "220 2.0.0 Ready to start TLS"; });
    return client;
}

void TlsHouse::until_secure(TlsClient& client) {
    until([&] { return client.secure() || !client.tls().error.empty(); });
    INFO(client.tls().error);
    REQUIRE(client.secure());
}

std::unique_ptr<TlsClient> TlsHouse::secure_client(const tls::ClientWishes& wishes) {
    auto client = client_behind_starttls();
    client->start_tls(wishes);
    until_secure(*client);
    return client;
}

std::unique_ptr<TlsClient> TlsHouse::implicit_client(const tls::ClientWishes& wishes) {
    auto client = std::make_unique<TlsClient>(implicit_port);
    client->start_tls(wishes);
    until_secure(*client);
    expect(*client, "220 mx.example ESMTP Holdfast");
    return client;
}

void TlsHouse::expect(TlsClient& client, std::string_view reply) {
    until([&] { return client.last_line().starts_with(reply); });
}

void TlsHouse::deliver(TlsClient& client) {
    client.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    expect(client, "354 ");
    client.send("Subject: x\r\n\r\nhello\r\n.\r\n");
    expect(client, "250 2.0.0 Ok: queued as ");
}

}  // namespace holdfast::smtpin
