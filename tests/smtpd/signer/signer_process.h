// The real signer, started as the parent starts it, and the parent's end of its link.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "smtpd/links/parent_signer.h"
#include "smtpd/tls/certificate.h"

namespace holdfast::signer {

class SignerProcess {
  public:
    static constexpr unsigned uid = 61236;

    SignerProcess();  // returns when it is ready
    ~SignerProcess();
    SignerProcess(const SignerProcess&) = delete;
    SignerProcess& operator=(const SignerProcess&) = delete;

    void tell(const links::ParentToSigner& message);
    // A peer's end of a new channel; blocking.
    UniqueFd introduce(links::Room room);
    // The shared keys of these kinds, each under its kind's number; none is refused.
    std::vector<links::LoadedKey> load(std::uint64_t set, std::span<const tls::KeyKind> kinds);
    std::vector<links::LoadedKey> load(std::uint64_t set, std::vector<links::KeyFile> files);
    links::Room take_malformed();

    int end();       // tells it to drain; its exit status
    void abandon();  // closes its parent's channel
    int wait();      // its exit status

    int pid() const { return pid_; }
    std::string status_line(const std::string& key) const;

  private:
    links::SignerToParent next();

    std::string root_;
    int pid_ = -1;
    UniqueFd parent_;
};

}  // namespace holdfast::signer
