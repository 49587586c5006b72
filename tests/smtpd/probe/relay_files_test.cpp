// The real probe over the files that relay statements name.
#include <filesystem>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/links/snapshots.h"
#include "tests/catch.h"
#include "tests/smtpd/probe/running.h"
#include "tests/smtpd/tls/issuing.h"

using namespace holdfast;

namespace {

// Short, so that the lines that are quoted fit.
constexpr const char* server = "smtps://h";

std::string authority() {
    return tls::pem_of(tls::issue(tls::shared_key(tls::KeyKind::ecdsa_p256), {}).get());
}

// A configuration with one relay, beside its files.
struct Site {
    Folder folder;
    std::string secret = folder.file("secret", "hunter2\n", 0600);
    std::string ca = folder.file("ca.pem", authority());
    std::string config = folder.file("smtpd.conf", statement());

    Site() { give(secret); }

    static void give(const std::string& path) {
        REQUIRE(chown(path.c_str(), ordinary, ordinary) == 0);
    }
    std::string line() const {
        return "relay main " + std::string(server) + " user u secret file:" + secret + " tls ca " +
               ca;
    }
    std::string statement() const { return line() + "\n"; }
    void set_secret(const std::string& text) const {
        folder.file("secret", text, 0600);
        give(secret);
    }

    // What is said at the word that names the file.
    std::string said(const std::string& path, const std::string& message,
                     const std::string& remedy = {}) const {
        const std::size_t at = line().find(path);
        return config + ":1:" + std::to_string(at + 1) + ": error: " + path + message + "\n  " +
               line() + "\n" + std::string(at + 2, ' ') + "^" + std::string(path.size() - 1, '~') +
               "\n" + (remedy.empty() ? "" : "  " + remedy + "\n");
    }
    Ended check() const { return run({"-f", config, "check"}); }
};

// Without the certificates that this machine trusts, or with others.
Setting with_trusted(std::string text) {
    return [text = std::move(text)] {
        const auto folder = std::filesystem::path(paths::trusted).parent_path();
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder.c_str(), "tmpfs", 0, "mode=755") != 0) {
            return false;
        }
        if (!text.empty()) {
            const UniqueFd file(
                ::open(paths::trusted, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
            if (::write(file.get(), text.data(), text.size()) < 0) return false;
        }
        return become_ordinary();
    };
}

}  // namespace

TEST_CASE("a relay is planned with the files that it may ask for, and never with a secret") {
    const Site site;
    const Ended ended = run({"-f", site.config});
    CHECK(ended.err.empty());
    REQUIRE(ended.status == 0);
    const auto plan = links::read_struct<links::Plan>(ended.plan.get());
    REQUIRE(plan);
    CHECK(plan->relay.files == std::vector<std::string>{"/etc/resolv.conf", "/etc/hosts",
                                                        paths::trusted, site.secret, site.ca});
    CHECK(plan->relay.relays.at(0).host == "h");
    CHECK(plan->qmgr.routes.size() == 1);
    CHECK(all_of(ended.plan.get()).find("hunter2") == std::string::npos);
}

TEST_CASE("a person is told which way mail takes and why") {
    const Site site;
    site.folder.file("smtpd.conf",
                     "hostname a.example\norigin b.example\nlisten [::1]:2525 from 10.0.0.0/8, "
                     "::2\n" +
                         site.line() +
                         "\nroute sender @x.example via main\nroute to *.x.example via "
                         "lmtp://127.0.0.1\nroute to me@y.example via main\nrewrite from "
                         "me@example.com\nmasquerade example.org\nredirect all to you@b.example\n");
    const Ended ended = site.check();
    CHECK(ended.err.empty());
    CHECK(ended.out.starts_with(
        "configuration OK: " + site.config +
        "\n  listen [::1]:2525 from 10.0.0.0/8, ::2/128\n"
        "  relay main: smtps://h:465, TLS required, certificate verified with " +
        site.ca + " (tls ca), login u with the secret of " + site.secret +
        "\n  relay lmtp://127.0.0.1: lmtp://127.0.0.1:24, TLS where it is offered, certificate "
        "not verified (default of lmtp://), no login\n"
        "  route sender @x.example via main\n"
        "  route to *.x.example via lmtp://127.0.0.1\n"
        "  route to me@y.example via main\n"
        "  route all via main\n"
        "  rewrite from me@example.com\n"
        "  masquerade example.org\n"
        "  redirect all to you@b.example\n"
        "  hostname a.example, origin b.example\n"));
}

TEST_CASE("a secret that others may read is refused with the command that mends it") {
    const Site site;
    for (const mode_t mode : {0640U, 0604U, 0620U, 0666U}) {
        REQUIRE(chmod(site.secret.c_str(), mode) == 0);
        const Ended ended = site.check();
        CHECK(ended.status == EX_CONFIG);
        CHECK(ended.err.find(": error: " + site.secret + " may be read by others (mode 0") !=
              std::string::npos);
        CHECK(ended.err.ends_with("\n  mend it: chmod 600 " + site.secret + "\n"));
    }
    REQUIRE(chmod(site.secret.c_str(), 0400) == 0);
    CHECK(site.check().status == 0);
}

TEST_CASE("a secret of somebody else is refused") {
    const Site site;
    REQUIRE(chown(site.secret.c_str(), 1234, 0) == 0);
    const Ended closed =
        run({"-f", site.config, "check"},
            with_users(site.folder.file("passwd", std::string(rooms) + root_mailbox),
                       site.folder.file("group", groups)));
    CHECK(closed.status == EX_CONFIG);
    CHECK(closed.err == site.said(site.secret, " belongs to uid 1234, who could change it",
                                  "mend it: chown root " + site.secret));
    REQUIRE(chmod(site.secret.c_str(), 0644) == 0);
    const Ended open = site.check();
    CHECK(open.err ==
          site.said(site.secret,
                    " belongs to uid 1234, who could change it, and may be read by "
                    "others (mode 0644)",
                    "mend it: chown root " + site.secret + " && chmod 600 " + site.secret));
}

TEST_CASE("root may keep a secret for itself alone") {
    const Site site;
    REQUIRE(chown(site.secret.c_str(), 0, 0) == 0);
    const Ended ended =
        run({"-f", site.config, "check"},
            with_users(site.folder.file("passwd", std::string(rooms) + root_mailbox),
                       site.folder.file("group", groups)));
    CHECK(ended.err.empty());
    CHECK(ended.status == 0);
    CHECK(site.check().err == site.said(site.secret, " cannot be opened: Permission denied",
                                        "run this as root, or let its user read the file"));
}

TEST_CASE("F45 a secret that is missing, empty or more than one line is an error, never quoted") {
    const Site site;
    std::filesystem::remove(site.secret);
    CHECK(site.check().err ==
          site.said(
              site.secret, " cannot be opened: No such file or directory",
              "make it, and write the secret into it: install -m 600 /dev/null " + site.secret));
    REQUIRE(mkfifo(site.secret.c_str(), 0600) == 0);
    Site::give(site.secret);
    CHECK(site.check().err == site.said(site.secret, " is not a regular file"));
    std::filesystem::remove(site.secret);
    const auto said_of = [&](const std::string& text) {
        site.set_secret(text);
        const Ended ended = site.check();
        CHECK(ended.status == EX_CONFIG);
        return ended.err;
    };
    const std::string how = "write the secret there, in one line";
    CHECK(said_of("") == site.said(site.secret, " is empty", how));
    CHECK(said_of("\n") == site.said(site.secret, " is empty", how));
    CHECK(said_of("\r\n") == site.said(site.secret, " is empty", how));
    CHECK(said_of("hunter2\n\n") == site.said(site.secret, " holds more than one line", how));
    CHECK(said_of("user\nhunter2") == site.said(site.secret, " holds more than one line", how));
    CHECK(said_of(std::string("hun\0ter2", 8)) ==
          site.said(site.secret, " holds a zero byte", how));
    CHECK(said_of(std::string(20'000, 'x')) == site.said(site.secret, " is larger than 16KiB"));
    for (const char* good : {"hunter2", "hunter2\n", "hunter2\r\n", " two words "}) {
        site.set_secret(good);
        CHECK(site.check().status == 0);
    }
}

TEST_CASE("a file of trusted certificates holds at least one, and no key") {
    const Site site;
    const auto said_of = [&](const std::string& text) {
        site.folder.file("ca.pem", text);
        const Ended ended = site.check();
        CHECK(ended.status == EX_CONFIG);
        return ended.err;
    };
    CHECK(said_of("") == site.said(site.ca,
                                   ": holds no certificate in PEM form "
                                   "(\"-----BEGIN CERTIFICATE-----\")"));
    CHECK(said_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
              .find(": certificate 1 can't be read") != std::string::npos);
    CHECK(said_of(authority() + tls::pem_of(tls::shared_key(tls::KeyKind::ecdsa_p256)))
              .find(": holds a private key") != std::string::npos);
    std::filesystem::remove(site.ca);
    CHECK(site.check().err == site.said(site.ca, " cannot be opened: No such file or directory"));
    site.folder.file("ca.pem", authority(), 0666);
    CHECK(site.check().err == site.said(site.ca, " may be written by others (mode 0666)",
                                        "mend it: chmod go-w " + site.ca));
    site.folder.file("ca.pem", "comment\n" + authority() + authority(), 0644);
    CHECK(site.check().status == 0);
}

TEST_CASE("each file that is wrong is one error, however often it is named") {
    const Site site;
    std::filesystem::remove(site.secret);
    std::filesystem::remove(site.ca);
    site.folder.file("smtpd.conf", site.line() + "\nrelay spare" + site.line().substr(10) +
                                       "\nroute all via main, spare\n");
    const std::string said = site.check().err;
    CHECK(said.starts_with(
        site.said(
            site.secret, " cannot be opened: No such file or directory",
            "make it, and write the secret into it: install -m 600 /dev/null " + site.secret) +
        site.said(site.ca, " cannot be opened: No such file or directory")));
    CHECK(said.find(":2:") == std::string::npos);
}

TEST_CASE("the certificates of this machine are needed where a relay is verified by them") {
    const Site site;
    const auto said_of = [&](const std::string& words, const std::string& trusted) {
        site.folder.file("smtpd.conf", "relay main " + words + "\n");
        const Ended ended = run({"-f", site.config, "check"}, with_trusted(trusted));
        CHECK(ended.status == (ended.err.empty() ? 0 : EX_CONFIG));
        return ended.err;
    };
    CHECK(said_of(server, "") ==
          site.config + ":1:7: error: " + paths::trusted +
              " cannot be opened: No such file or directory\n  relay main " + server +
              "\n        ^~~~\n  install them: apt install ca-certificates\n");
    CHECK(said_of(server, "nothing\n").find(": holds no certificate") != std::string::npos);
    CHECK(said_of(server, authority()).empty());
    CHECK(said_of("smtp://a.example tls require", "").find("ca-certificates") != std::string::npos);
    CHECK(said_of("smtp://a.example", "").empty());
    CHECK(said_of(std::string(server) + " tls ca " + site.ca, "").empty());
    CHECK(said_of(std::string(server) + " tls pin sha256:" + std::string(64, 'a'), "").empty());
}

TEST_CASE("all mail to an address elsewhere without a relay is an error with its place") {
    const Folder folder;
    const std::string config =
        folder.file("smtpd.conf", "hostname box.example.org\nredirect all to me@example.com\n");
    const Ended ended = run({"-f", config, "check"});
    CHECK(ended.status == EX_CONFIG);
    CHECK(ended.err.starts_with(config +
                                ":2:17: error: \"me@example.com\" is not on this machine, and "
                                "there is no relay\n"));
    folder.file("smtpd.conf", "hostname box.example.org\nredirect all to me@box.example.org\n");
    CHECK(run({"-f", config, "check"}).status == 0);
}

TEST_CASE("with a relay an alias may lead to another machine") {
    const Site site;
    const std::string aliases = site.folder.file("aliases", "root: me@example.net\n");
    site.folder.file("smtpd.conf", site.line() + "\naliases " + aliases + "\n");
    CHECK(site.check().err.empty());
    CHECK(site.check().status == 0);
}
