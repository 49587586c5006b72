// OpenSSL as the rooms that speak TLS use it: a library context of its own, which reads no
// configuration file, with OpenSSL's own algorithms and ours for keys that live elsewhere.
// One for a process is enough; contexts and keys that were made with it keep it alive.
#pragma once

#include <memory>

#include "smtpd/base/error.h"

struct ossl_lib_ctx_st;

namespace holdfast::tls {

class CryptoLibrary {
  public:
    static Result<std::shared_ptr<const CryptoLibrary>> make();
    ~CryptoLibrary();
    CryptoLibrary(const CryptoLibrary&) = delete;
    CryptoLibrary& operator=(const CryptoLibrary&) = delete;

    ossl_lib_ctx_st* context() const;

  private:
    struct Parts;
    explicit CryptoLibrary(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace holdfast::tls
