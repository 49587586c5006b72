// Whom TLS clients of ours trust: a context for each file of certificates that smtpd.conf names,
// made when it is first needed and again when it has grown old.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "smtpd/base/life.h"
#include "smtpd/loop/loop.h"
#include "smtpd/relay/files.h"
#include "smtpd/tls/client_context.h"

namespace holdfast::relay {

class TrustStore {
  public:
    // Authorities come and go, but not every minute; reading a hundred of them takes milliseconds.
    static constexpr Duration fresh = std::chrono::minutes(30);

    TrustStore(Loop& loop, Files& files, std::shared_ptr<const tls::CryptoLibrary> library)
        : loop_(loop), files_(files), library_(std::move(library)) {}

    // One that trusts those of a file; with links::no_file one that trusts nobody. `done` may be
    // called before this returns.
    using Done = std::function<void(Result<tls::ClientContext>)>;
    void get(std::uint32_t file, Done done);

  private:
    struct Kept {
        tls::ClientContext context;
        MonoTime made;
    };

    Result<tls::ClientContext> make(std::uint32_t file, const Result<std::string>& trusted);

    Loop& loop_;
    Files& files_;
    std::shared_ptr<const tls::CryptoLibrary> library_;
    std::map<std::uint32_t, Kept> kept_;  // by file
    Life life_;
};

}  // namespace holdfast::relay
