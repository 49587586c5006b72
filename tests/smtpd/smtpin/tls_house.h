// A room of smtpin with TLS around it: a signer that answers on a thread of its own, certificates
// from a parent, and clients that are OpenSSL's.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "tests/smtpd/smtpin/house.h"
#include "tests/smtpd/tls/ends.h"

namespace holdfast::smtpin {

// The other end of the link to signer, with the shared keys of tests/smtpd/tls/issuing.h. The
// numbers of its keys are those of their kinds, in every set.
class SignerThread {
  public:
    SignerThread();
    ~SignerThread();
    SignerThread(const SignerThread&) = delete;
    SignerThread& operator=(const SignerThread&) = delete;

    UniqueFd take_channel() { return std::move(for_room_); }
    // As a crash.
    void vanish();

  private:
    void answer_all(int socket) const;

    UniqueFd for_room_;
    UniqueFd socket_;
    std::thread thread_;
};

// A client that begins in the clear.
class TlsClient {
  public:
    explicit TlsClient(std::uint16_t port) : plain_(port) {}

    TestClient& plain() { return plain_; }
    // From here on under TLS.
    void start_tls(const tls::ClientWishes& wishes = {});
    bool secure();
    void send(std::string_view bytes);
    // The last whole line.
    std::string last_line();
    // The server has ended TLS in order.
    bool at_end();
    tls::RawClient& tls() { return *tls_; }

  private:
    TestClient plain_;
    std::optional<tls::RawClient> tls_;
};

links::CertificateFile certificate_file(tls::KeyKind kind, const tls::Issue& issue);

// The set, with a certificate of ECDSA for each of these hosts.
links::LoadCertificates set_of(std::uint64_t number, const std::vector<std::string>& hosts);

class TlsHouse : public House {
  public:
    explicit TlsHouse(links::SmtpinSnapshot snapshot = {"mx.example", 50'000'000, 100, 500, 50});

    // The set is loaded and in use.
    void use(links::LoadCertificates set);
    void replace_signer();

    // Behind the handshake of STARTTLS, and of implicit TLS.
    std::unique_ptr<TlsClient> secure_client(const tls::ClientWishes& wishes = {});
    std::unique_ptr<TlsClient> implicit_client(const tls::ClientWishes& wishes = {});
    // At "220", in the clear.
    std::unique_ptr<TlsClient> client_behind_starttls();
    void until_secure(TlsClient& client);
    void expect(TlsClient& client, std::string_view reply);
    // A whole message; the client has been greeted.
    void deliver(TlsClient& client);

    std::optional<SignerThread> signer;
    std::uint16_t starttls_port = 0;
    std::uint16_t implicit_port = 0;
};

}  // namespace holdfast::smtpin
