// The real probe over real keys and certificates.
#include <filesystem>
#include <string>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/snapshots.h"
#include "tests/catch.h"
#include "tests/smtpd/probe/running.h"
#include "tests/smtpd/tls/issuing.h"

using namespace holdfast;
using tls::KeyKind;

namespace {

constexpr long day = 86400;

std::string chain_of(EVP_PKEY* key,
                     tls::Issue issue = {.names = {"a.example"}, .until = 90 * day}) {
    return tls::pem_of(tls::issue(key, issue).get());
}

// A configuration beside its folder of certificates, as an ACME client keeps it.
struct Site {
    Folder folder;
    std::string config;

    explicit Site(const std::string& chain, const std::string& key, mode_t key_mode = 0644) {
        std::filesystem::create_directory(folder.path("live"));
        set_chain(chain);
        folder.file("live/privkey.pem", key, key_mode);
        config = folder.file("smtpd.conf", "listen [::1]:2525 starttls\n" + statement());
    }
    Site() : Site(chain_of(tls::shared_key(KeyKind::rsa)), key_of(KeyKind::rsa)) {}

    void set_chain(const std::string& chain) const { folder.file("live/fullchain.pem", chain); }
    std::string statement() const { return "cert a.example " + folder.path("live") + "\n"; }
    std::string chain_path() const { return folder.path("live/fullchain.pem"); }
    std::string key_path() const { return folder.path("live/privkey.pem"); }
    static std::string key_of(KeyKind kind) { return tls::pem_of(tls::shared_key(kind)); }

    // What is said at the folder's place, behind "error: " or "warning: ".
    std::string said(const std::string& heading, const std::string& rest = {}) const {
        const std::string path = folder.path("live");
        return config + ":2:16: " + heading + "\n  cert a.example " + path +
               "\n                 ^" + std::string(path.size() - 1, '~') + "\n" + rest;
    }
    Ended check() const { return run({"-f", config, "check"}); }
};

std::string readable_by_all(const Site& site) {
    return site.said("warning: " + site.key_path() + " may be read by every user",
                     "  mend it: chmod o= " + site.key_path() + "\n");
}

Setting as_root(const Folder& folder) {
    return with_users(folder.file("passwd", std::string(rooms) + root_mailbox),
                      folder.file("group", groups));
}

// Becomes readable when somebody has opened the file.
class Watched {
  public:
    explicit Watched(const std::string& path) : fd_(inotify_init1(IN_CLOEXEC)) {
        REQUIRE(inotify_add_watch(fd_.get(), path.c_str(), IN_CLOSE_NOWRITE) >= 0);
    }
    bool opened() const {
        pollfd ready{fd_.get(), POLLIN, 0};
        return poll(&ready, 1, 10'000) == 1;
    }

  private:
    UniqueFd fd_;
};

}  // namespace

TEST_CASE("a certificate and its key of each kind are planned") {
    for (const KeyKind kind : tls::all_kinds) {
        const Site site(chain_of(tls::shared_key(kind)), Site::key_of(kind), 0640);
        REQUIRE(chown(site.key_path().c_str(), 0, ordinary) == 0);
        const Ended ended = run({"-f", site.config});
        CHECK(ended.err.empty());
        REQUIRE(ended.status == 0);
        const auto plan = links::read_struct<links::Plan>(ended.plan.get());
        REQUIRE(plan);
        REQUIRE(plan->certificates.size() == 1);
        CHECK(plan->certificates[0].host == "a.example");
        CHECK(plan->certificates[0].place == site.config + ":2");
        CHECK(plan->certificates[0].chain == site.chain_path());
        CHECK(plan->certificates[0].key == site.key_path());
        CHECK(plan->listeners.at(0).tls == links::TlsMode::starttls);
        CHECK(site.check().out.find("\n  listen [::1]:2525 starttls\n  cert a.example: " +
                                    site.chain_path() + "\n") != std::string::npos);
    }
}

TEST_CASE("F10 keys that only root may read, behind symbolic links, are fine for root") {
    const Site site(chain_of(tls::shared_key(KeyKind::rsa)), Site::key_of(KeyKind::rsa), 0600);
    // As certbot lays it out: live/ holds links into archive/, which nobody else may enter.
    std::filesystem::rename(site.folder.path("live"), site.folder.path("archive"));
    REQUIRE(chmod(site.folder.path("archive").c_str(), 0700) == 0);
    std::filesystem::create_directory(site.folder.path("live"));
    for (const char* name : {"fullchain.pem", "privkey.pem"}) {
        std::filesystem::create_symlink(std::string("../archive/") + name,
                                        site.folder.path("live/") + name);
    }
    const Ended ended = run({"-f", site.config, "check"}, as_root(site.folder));
    CHECK(ended.err.empty());
    CHECK(ended.status == 0);
}

TEST_CASE("a key that its reader may not read is named") {
    const Site site(chain_of(tls::shared_key(KeyKind::rsa)), Site::key_of(KeyKind::rsa), 0600);
    const Ended ended = site.check();
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err ==
          site.said("error: " + site.key_path() + " cannot be opened: Permission denied",
                    "  run this as root, or let its user read the file\n"));
}

TEST_CASE("a key that everybody may read is warned of, one that others may write is refused") {
    const Site site;
    CHECK(site.check().err == readable_by_all(site));
    CHECK(site.check().status == 0);
    REQUIRE(chmod(site.key_path().c_str(), 0664) == 0);
    const Ended ended = site.check();
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err.starts_with(
        site.said("error: " + site.key_path() + " may be written by others (mode 0664)",
                  "  mend it: chmod go-w " + site.key_path() + "\n")));
}

TEST_CASE("F11 a key that is not the certificate's is refused after some readings") {
    const Site site(chain_of(tls::shared_key(KeyKind::ecdsa_p256)), Site::key_of(KeyKind::rsa));
    const Ended ended = site.check();
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err ==
          readable_by_all(site) +
              site.said("error: " + site.chain_path() + ": is not the certificate of the key " +
                        site.key_path() + ": install both from the same issue"));
}

TEST_CASE("F11 a pair whose second half comes in a moment is good") {
    const Site site(chain_of(tls::shared_key(KeyKind::ecdsa_p256)), Site::key_of(KeyKind::rsa));
    const UniqueFd out(memfd_create("out", MFD_CLOEXEC));
    const Watched key(site.key_path());
    const pid_t probe =
        start({"-f", site.config, "check"}, become_ordinary, {out.get(), out.get(), out.get()});
    REQUIRE(key.opened());
    site.set_chain(chain_of(tls::shared_key(KeyKind::rsa)));
    CHECK(ending(probe) == 0);
}

TEST_CASE("certificates that are out of order or none are refused") {
    EVP_PKEY* const key = tls::shared_key(KeyKind::rsa);
    const Site site;
    const auto error_of = [&](const std::string& chain) {
        site.set_chain(chain);
        const Ended ended = site.check();
        CHECK(ended.status == EX_CONFIG);
        return ended.err;
    };
    CHECK(error_of(chain_of(key) + chain_of(tls::shared_key(KeyKind::ed25519)))
              .find(" did not issue the one before it ") != std::string::npos);
    CHECK(error_of("nothing\n").find("holds no certificate in PEM form") != std::string::npos);
    // smtpin, which reads this file, may never see a key.
    CHECK(error_of(chain_of(key) + Site::key_of(KeyKind::rsa))
              .find("error: " + site.chain_path() + ": holds a private key, which") !=
          std::string::npos);
    CHECK(error_of(std::string(tls::max_chain_bytes + 1, '#')).find(" is larger than ") !=
          std::string::npos);
}

TEST_CASE("keys that are none, encrypted or too large are refused and never quoted") {
    const std::string encrypted =
        tls::pem_of(tls::shared_key(KeyKind::rsa), tls::KeyForm::pkcs8_encrypted);
    for (const std::string& text :
         {std::string("SECRET-TEXT"), encrypted, "SECRET-TEXT" + std::string(100'000, 'x')}) {
        const Site site(chain_of(tls::shared_key(KeyKind::rsa)), text, 0644);
        const Ended ended = site.check();
        CHECK(ended.status == EX_CONFIG);
        CHECK(ended.err.find("error: " + site.key_path() + " ") != std::string::npos);
        CHECK(ended.err.find("SECRET") == std::string::npos);
    }
}

TEST_CASE("a certificate for another host, or near its end, is warned of") {
    EVP_PKEY* const key = tls::shared_key(KeyKind::rsa);
    const Site site(chain_of(key, {.names = {"b.example"}, .from = -80 * day, .until = 10 * day}),
                    Site::key_of(KeyKind::rsa), 0640);
    REQUIRE(chown(site.key_path().c_str(), 0, ordinary) == 0);
    const Ended ended = site.check();
    CHECK(ended.status == 0);
    CHECK(ended.err.starts_with(
        site.said("warning: " + site.chain_path() + " is not for a.example, only for b.example")));
    CHECK(ended.err.find("warning: " + site.chain_path() + " expires on ") != std::string::npos);
}

TEST_CASE("a certificate that is over, or has not begun, serves and is warned of") {
    EVP_PKEY* const key = tls::shared_key(KeyKind::rsa);
    const Site site;
    const auto warned = [&](long from, long until, const std::string& of) {
        site.set_chain(chain_of(key, {.names = {"a.example"}, .from = from, .until = until}));
        const Ended ended = site.check();
        CHECK(ended.status == 0);
        CHECK(ended.err.find(": warning: " + site.chain_path() + of) != std::string::npos);
    };
    warned(-9 * day, -day, " has expired on ");
    warned(day, 9 * day, " is not valid before ");
}

TEST_CASE("a folder without certificates is one error that says what belongs there") {
    const Site site;
    std::filesystem::remove(site.chain_path());
    std::filesystem::remove(site.key_path());
    CHECK(site.check().err ==
          site.said("error: " + site.chain_path() + " cannot be opened: No such file or directory",
                    "  a folder holds fullchain.pem and privkey.pem; of other names: cert "
                    "a.example chain FILE key FILE\n"));
    site.set_chain(chain_of(tls::shared_key(KeyKind::rsa)));
    CHECK(site.check().err ==
          site.said("error: " + site.key_path() + " cannot be opened: No such file or directory"));
}

TEST_CASE("two certificates of a host serve with keys of different kinds, and not of the same") {
    const Site site;
    const auto add = [&](const std::string& name, KeyKind kind) {
        const std::string chain = site.folder.file(name + ".pem", chain_of(tls::shared_key(kind)));
        const std::string key = site.folder.file(name + ".key", Site::key_of(kind));
        return "cert a.example chain " + chain + " key " + key + "\n";
    };
    const std::string begin = "listen [::1]:2525 smtps\n" + site.statement();
    site.folder.file("smtpd.conf", begin + add("ecdsa", KeyKind::ecdsa_p256));
    CHECK(site.check().status == 0);
    site.folder.file("smtpd.conf", begin + add("rsa", KeyKind::rsa));
    const Ended ended = site.check();
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err.find(site.config +
                         ":3:6: error: \"a.example\" has a certificate with the same kind of key "
                         "already\n") != std::string::npos);
    CHECK(ended.err.find("  it stands in " + site.config + ":2, and") != std::string::npos);
}
