// The two ends of a connection under test: a server's stream, and a client that is OpenSSL alone.
#pragma once

#include <optional>
#include <string>

#include "smtpd/loop/loop.h"
#include "smtpd/signer/key_ring.h"
#include "smtpd/tls/openssl.h"
#include "smtpd/tls/stream.h"
#include "tests/smtpd/tls/issuing.h"

namespace holdfast::tls {

std::shared_ptr<const CryptoLibrary> library();

// A signer in this process, with the shared key of each kind under its number.
class LocalKeys {
  public:
    LocalKeys();
    SignFunction function();
    std::size_t signatures = 0;

  private:
    signer::KeyRing keys_;
};

links::KeyId id_of(KeyKind kind);
ServerCertificate certificate_for(KeyKind kind, std::vector<std::string> names);
ServerContext server_context(std::vector<ServerCertificate> certificates, SignFunction sign,
                             std::vector<TicketKey> ticket_keys = {});

// Echoes nothing: collects what comes.
class Server {
  public:
    Server(Loop& loop, UniqueFd socket, std::size_t limit = 32 * 1024);
    void start_tls(const ServerContext& context);

    std::string text;
    std::optional<Secured> secured;
    std::optional<End> end;
    int drained = 0;
    Stream stream;
};

struct ClientWishes {
    int version = 0;  // TLS1_2_VERSION; 0: any
    std::string server_name = {};
    std::string signatures = {};  // as for SSL_set1_sigalgs_list
    SSL_SESSION* session = nullptr;
};

using SessionHandle = std::unique_ptr<SSL_SESSION, Deleter<SSL_SESSION_free>>;

// Non-blocking; advance() does what can be done.
class RawClient {
  public:
    RawClient(UniqueFd socket, const ClientWishes& wishes = {});
    void advance();
    bool write(std::string_view bytes);
    std::string certificate_name() const;  // the CN of the server's
    SessionHandle session() const;

    UniqueFd socket;
    bool connected = false;
    bool closed = false;  // the server has sent close_notify
    std::string text;
    std::string error;
    SslContextHandle context;
    SslHandle ssl;
};

// Turns the loop, and the client with it, until `done`, or for five seconds.
bool advance_until(Loop& loop, RawClient& client, const std::function<bool()>& done);

// A server and a client, connected and through the handshake, if it succeeds.
struct Connection {
    Connection(const ServerContext& context, const ClientWishes& wishes = {});
    bool run();

    Loop loop;
    std::optional<Server> server;
    std::optional<RawClient> client;
};

}  // namespace holdfast::tls
