#include "tests/smtpd/tls/ends.h"

#include <csignal>

#include <openssl/err.h>
#include <sys/socket.h>

#include "smtpd/tls/crypto_error.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

namespace holdfast::tls {

std::shared_ptr<const CryptoLibrary> library() {
    static const auto made = [] {
        std::signal(SIGPIPE, SIG_IGN);
        auto result = CryptoLibrary::make();
        REQUIRE(result);
        return *result;
    }();
    return made;
}

LocalKeys::LocalKeys() {
    for (const KeyKind kind : all_kinds) {
        const links::KeyFile file{id_of(kind).number, "key", file_with(pem_of(shared_key(kind))),
                                  "chain", any_chain()};
        REQUIRE(keys_.load(id_of(kind).set, file).error.empty());
    }
}

SignFunction LocalKeys::function() {
    return [this](const SignRequest& request) -> Result<std::string> {
        ++signatures;
        auto done = keys_.sign({1, request.key, request.scheme, std::string(request.text)});
        if (!done) return plain_error(done.error());
        return *done;
    };
}

links::KeyId id_of(KeyKind kind) {
    return {1, static_cast<std::uint32_t>(kind)};
}

ServerCertificate certificate_for(KeyKind kind, std::vector<std::string> names) {
    return {chain_for(kind, std::move(names)), id_of(kind)};
}

ServerContext server_context(std::vector<ServerCertificate> certificates, SignFunction sign,
                             std::vector<TicketKey> ticket_keys) {
    auto context = ServerContext::make(
        {library(), std::move(certificates), std::move(ticket_keys), std::move(sign)});
    if (!context) FAIL(context.error().text());
    return *context;
}

Server::Server(Loop& loop, UniqueFd socket, std::size_t limit)
    : stream(loop, std::move(socket), limit,
             {[this](std::string_view input) {
                  text += input;
                  return input.size();
              },
              [this](const End& how) { end = how; }, [this] { ++drained; }}) {
    stream.want_read(true);
}

void Server::start_tls(const ServerContext& context) {
    stream.start_tls(context, [this](const Secured& facts) { secured = facts; });
}

RawClient::RawClient(UniqueFd fd, const ClientWishes& wishes)
    : socket(std::move(fd)), context(SSL_CTX_new(TLS_client_method())) {
    if (wishes.version != 0) {
        SSL_CTX_set_min_proto_version(context.get(), wishes.version);
        SSL_CTX_set_max_proto_version(context.get(), wishes.version);
    }
    if (wishes.version != 0 && wishes.version < TLS1_2_VERSION) {
        SSL_CTX_set_security_level(context.get(), 0);
    }
    ssl.reset(SSL_new(context.get()));
    if (!wishes.server_name.empty()) {
        std::string name = wishes.server_name;
        SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
    if (!wishes.signatures.empty()) {
        REQUIRE(SSL_set1_sigalgs_list(ssl.get(), wishes.signatures.c_str()) == 1);
    }
    if (wishes.session != nullptr) {
        const SessionHandle copy(SSL_SESSION_dup(wishes.session));
        REQUIRE(SSL_set_session(ssl.get(), copy.get()) == 1);
    }
    SSL_set_fd(ssl.get(), socket.get());
    SSL_set_connect_state(ssl.get());
}

void RawClient::advance() {
    if (!error.empty() || closed) return;
    ERR_clear_error();
    char buffer[4096];
    const int result =
        connected ? SSL_read(ssl.get(), buffer, sizeof buffer) : SSL_do_handshake(ssl.get());
    if (result > 0 && connected) text.append(buffer, static_cast<std::size_t>(result));
    if (result > 0) connected = true;
    const int kind = SSL_get_error(ssl.get(), result);
    closed = kind == SSL_ERROR_ZERO_RETURN;
    if (kind == SSL_ERROR_SYSCALL) error = "connection broken";
    if (kind == SSL_ERROR_SSL) error = take_crypto_reason();
}

bool RawClient::write(std::string_view bytes) {
    return SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
}

std::string RawClient::certificate_name() const {
    const X509Handle certificate(SSL_get1_peer_certificate(ssl.get()));
    char name[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                              sizeof name);
    return name;
}

// A copy: OpenSSL gives up a session whose connection is not closed in order.
SessionHandle RawClient::session() const {
    return SessionHandle(SSL_SESSION_dup(SSL_get0_session(ssl.get())));
}

bool advance_until(Loop& loop, RawClient& client, const std::function<bool()>& done) {
    return turn_until(loop, [&] {
        client.advance();
        loop.post([] {});
        return done();
    });
}

Connection::Connection(const ServerContext& context, const ClientWishes& wishes) {
    auto [ours, theirs] = connected_sockets(SOCK_STREAM | SOCK_NONBLOCK);
    server.emplace(loop, std::move(ours));
    server->start_tls(context);
    client.emplace(std::move(theirs), wishes);
}

bool Connection::run() {
    advance_until(loop, *client,
                  [&] { return (server->secured && client->connected) || server->end; });
    return server->secured && client->connected;
}

}  // namespace holdfast::tls
