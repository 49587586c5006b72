#include "smtpd/probe/relay_files.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <string.h>

#include "smtpd/base/paths.h"
#include "smtpd/base/quote.h"
#include "smtpd/tls/certificate_count.h"
#include "smtpd/tls/crypto_error.h"

namespace holdfast::probe {

namespace {

using config::Diagnostics;
using config::Placed;
using config::Relay;

constexpr std::size_t max_secret = 16 * 1024;  // access tokens are long
constexpr std::size_t max_certificates = std::size_t{4} << 20;

// What is wrong with the text of a secret; empty where it is one line.
std::string_view fault_of_secret(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) return "is empty";
    if (text.find_first_of("\r\n") != std::string_view::npos) return "holds more than one line";
    if (text.find('\0') != std::string_view::npos) return "holds a zero byte";
    return {};
}

bool needs_trusted(const Relay& relay) {
    return relay.plan.tls == links::RelayTls::required && !relay.url.empty() && !relay.ca &&
           relay.plan.pins.empty();
}

class Examination {
  public:
    explicit Examination(const AdminFiles& files) : files_(files) {}

    void check(const Relay& relay) {
        if (relay.secret && is_new(*relay.secret)) check_secret(*relay.secret);
        if (relay.ca && is_new(*relay.ca)) check_certificates(*relay.ca, {});
        const Placed trusted{paths::trusted, relay.name.place};
        if (needs_trusted(relay) && is_new(trusted)) {
            check_certificates(trusted, "install them: apt install ca-certificates");
        }
    }

    Diagnostics diagnostics() { return std::move(diagnostics_); }

  private:
    bool is_new(const Placed& file) { return seen_.insert(file.value).second; }

    void report(const Placed& file, std::string message, std::string note) {
        config::Diagnostic diagnostic{.place = file.place, .message = std::move(message)};
        if (!note.empty()) diagnostic.notes.push_back(std::move(note));
        diagnostics_.add(std::move(diagnostic));
    }

    void check_secret(const Placed& secret) {
        std::string name = escaped(secret.value) + " ";
        AdminFile file = files_.read(secret.value, max_secret, Readers::nobody);
        if (file.missing) {
            file.remedy =
                "make it, and write the secret into it: install -m 600 /dev/null " + secret.value;
        }
        if (!file.problem.empty()) report(secret, name + file.problem, file.remedy);
        if (!file.text) return;
        const std::string_view fault = fault_of_secret(*file.text);
        if (!fault.empty())
            report(secret, name.append(fault), "write the secret there, in one line");
        explicit_bzero(file.text->data(), file.text->size());
    }

    void check_certificates(const Placed& certificates, const std::string& remedy) {
        const AdminFile file = files_.read(certificates.value, max_certificates);
        if (!file.problem.empty()) {
            report(certificates, escaped(certificates.value) + " " + file.problem,
                   file.missing ? remedy : file.remedy);
        }
        if (!file.text) return;
        tls::set_up_crypto();
        const auto count = tls::count_certificates(*file.text, escaped(certificates.value));
        if (!count) report(certificates, count.error().text(), {});
    }

    const AdminFiles& files_;
    std::set<std::string> seen_;
    Diagnostics diagnostics_;
};

}  // namespace

Diagnostics check_relay_files(const AdminFiles& files, const std::vector<Relay>& relays) {
    Examination examination(files);
    for (const Relay& relay : relays) examination.check(relay);
    return examination.diagnostics();
}

}  // namespace holdfast::probe
