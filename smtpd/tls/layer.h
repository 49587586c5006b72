// One TLS connection over a non-blocking socket: OpenSSL's state machine behind five verbs. Owns
// no loop and no descriptor. The process ignores SIGPIPE: OpenSSL writes with write(2).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "smtpd/base/error.h"
#include "smtpd/tls/client_context.h"
#include "smtpd/tls/server_context.h"

namespace holdfast::tls {

// How a step over the socket went.
enum class Step : std::uint8_t {
    done,
    want_read,   // again when the socket is readable
    want_write,  // again when the socket is writable, whatever the step was
    closed,      // the peer has said that nothing more comes
    truncated,   // the connection ended before the peer said so
    failed,      // reason() says why
};

struct Moved {
    Step step = Step::failed;
    std::size_t bytes = 0;  // of Step::done
};

// The certificate that a server has shown.
struct PeerCertificate {
    // Why it does not show that the server is the one that was meant; empty: it does, by an
    // authority that is trusted.
    std::string distrust = "no certificate was shown";
    std::string fingerprint;      // SHA-256 of it: 64 hexadecimal digits
    std::string key_fingerprint;  // likewise of its public key (SubjectPublicKeyInfo)
};

// What a handshake led to, for the log, the Received header and the session's policy.
struct Secured {
    std::string version;      // "TLSv1.3"
    std::string cipher;       // "TLS_AES_256_GCM_SHA384"
    std::string server_name;  // as the client gave it; may be empty
    bool resumed = false;
    std::size_t discarded = 0;  // bytes of plain input that came before the handshake began
    PeerCertificate peer = {};  // where we are the client
};

class Layer {
  public:
    // `socket` outlives the layer.
    static Result<Layer> server(const ServerContext& context, int socket);
    // `server_name`: a host, for SNI and for what its certificate has to show, or a literal address
    // without brackets, for the latter; empty: neither, and nothing is shown.
    static Result<Layer> client(const ClientContext& context, int socket,
                                const std::string& server_name);
    Layer(Layer&&) noexcept;
    Layer& operator=(Layer&&) noexcept;
    ~Layer();

    Step handshake();
    // `into` and `bytes` are not empty. A write that wants to be repeated is repeated with the
    // same bytes, and perhaps more behind them.
    Moved read(std::span<char> into);
    Moved write(std::string_view bytes);
    // Tells the peer that nothing more comes. Not during the handshake.
    Step close();

    // Whether read() has something that the socket does not show: at most one record.
    bool has_pending() const;
    Secured facts() const;
    const std::string& reason() const { return reason_; }

  private:
    struct Parts;
    explicit Layer(std::unique_ptr<Parts> parts);
    static Result<Layer> over(std::unique_ptr<Parts> parts, int socket);
    Step outcome(int result);
    Step failure(int kind, int error);

    std::unique_ptr<Parts> parts_;
    std::string reason_;
    bool stands_ = false;  // the handshake is over
};

}  // namespace holdfast::tls
