#include "ctl/mtactl/certificate_view.h"
#include "ctl/mtactl/queue_view.h"
#include "ctl/mtactl/report.h"
#include "ctl/mtactl/status_view.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::mtactl;

namespace {

links::QueueItem an_item() {
    links::QueueItem item;
    item.id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    item.state = links::QueueState::deferred;
    item.size = 2048;
    item.admitted = 1'000'000;
    item.next = 1'657'000;
    item.attempts = 2;
    item.recipients = {{"bob@example.org", "451 4.3.0 later\x1b[2J"}};
    return item;
}

StatusFacts some_facts() {
    StatusFacts facts;
    links::StatusReply& daemon = facts.overview.daemon;
    daemon.version = "0.1.0";
    daemon.generation = 2;
    daemon.uptime_seconds = 3725;
    daemon.privileged = true;
    daemon.listeners = {"127.0.0.1:25", "[::1]:25"};
    links::RoomStatus qmgr;
    qmgr.room = "qmgr";
    qmgr.pid = 42;
    links::RoomStatus mda;
    mda.room = "mda";
    mda.detail = "alice";
    daemon.rooms = {qmgr, mda};
    facts.uids = {994, std::nullopt};
    facts.memory = {1536 * 1024, std::nullopt};
    facts.overview.queue.deferred = 3;
    return facts;
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a listed message shows its state, its times and why it waits, on safe lines") {
    QueueText view(WallTime(std::chrono::seconds(1600)));
    std::string text = view.add(an_item());
    text += view.end();
    CHECK(text ==
          "ID                          STATE         SIZE      AGE     NEXT  TRIES  SENDER, "
          "RECIPIENTS\n"
          "01ARZ3NDEKTSV4RRFFQ69G5FAV  deferred   2.0 KiB      10m      57s      2  <>\n"
          "    bob@example.org: 451 4.3.0 later\\x1B[2J\n"
          "1 message, 2.0 KiB\n");
    CHECK(QueueText(WallTime()).end() == "The queue is empty\n");
}

TEST_CASE("a list in JSON is one array, however many messages there are") {
    CHECK(QueueJson().end() == "[]\n");
    QueueJson view;
    std::string json = view.add(an_item());
    json += view.add(an_item());
    json += view.end();
    const std::string one =
        R"({"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","state":"deferred","size":2048,)"
        R"("admitted":"1970-01-01T00:16:40Z","next":"1970-01-01T00:27:37Z","attempts":2,)"
        R"("sender":"","recipients":[{"address":"bob@example.org",)"
        R"("last":"451 4.3.0 later\u001b[2J"}]})";
    CHECK(json == "[" + one + ",\n " + one + "]\n");
}

TEST_CASE("a status tells what runs, where it listens, and how the queue is") {
    const std::string text = status_text(some_facts());
    for (const char* part :
         {"Holdfast 0.1.0, generation 2, up 1h2m", "127.0.0.1:25, [::1]:25", "built-in default",
          "3 deferred", "qmgr", "mda (alice)", "1.5 MiB", "PSS"}) {
        INFO(part);
        CHECK(holds(text, part));
    }
    CHECK_FALSE(holds(text, "trouble"));
    CHECK_FALSE(holds(text, "privileges"));
}

TEST_CASE("a queue in trouble, and a daemon without privileges, say so") {
    StatusFacts facts = some_facts();
    facts.overview.queue.accepting = false;
    facts.overview.queue.trouble = "the disk is full\n";
    facts.overview.daemon.privileged = false;
    const std::string text = status_text(facts);
    CHECK(holds(text, "no mail is accepted: the disk is full\\n\n"));
    CHECK(holds(text, "0 queued, 0 active, 3 deferred, 0 quarantined"));
    facts.overview.queue = {};
    facts.overview.queue.accepting = false;
    CHECK(holds(status_text(facts), "0 queued, 0 active, 0 deferred, 0 quarantined"));
    facts.overview.queue.known = false;
    CHECK_FALSE(holds(status_text(facts), "0 queued"));
    CHECK(holds(text, "privileges"));
}

TEST_CASE("a status tells how the last change went, and who finishes") {
    StatusFacts facts = some_facts();
    CHECK_FALSE(holds(status_text(facts), "last change"));
    CHECK_FALSE(holds(status_text(facts), "older generations"));
    CHECK(holds(status_json(facts), R"("last_change":"","last_change_at":"","draining":[])"));
    facts.overview.daemon.last_change = "reload: smtpd.conf:3: no";
    facts.overview.daemon.last_change_at = 1'000'000;
    facts.overview.daemon.draining = {1};
    CHECK(holds(status_text(facts), "reload: smtpd.conf:3: no, 1970-01-01"));
    CHECK(holds(status_text(facts), "1 finishes its sessions"));
    facts.overview.daemon.draining = {1, 2, 3};
    CHECK(holds(status_text(facts), "1, 2 and 3 finish their sessions"));
    CHECK(holds(status_json(facts), R"("draining":[1,2,3])"));
}

namespace {

constexpr std::int64_t day = links::milliseconds_a_day;

StatusFacts facts_with_certificate(std::int64_t not_after) {
    StatusFacts facts = some_facts();
    links::CertificateStatus one;
    one.host = "mx.example.org\n";
    one.file = "/etc/tls/mx.pem";
    one.fingerprint = std::string(64, 'a');
    one.names = {"mx.example.org", "*.example.org"};
    one.not_after = not_after;
    facts.overview.daemon.certificates = {one};
    facts.now = WallTime(std::chrono::milliseconds(100 * day));
    return facts;
}

}  // namespace

TEST_CASE("a status shows each certificate, on safe lines") {
    CHECK_FALSE(holds(status_text(some_facts()), "CERTIFICATE"));
    StatusFacts facts = facts_with_certificate(190 * day + 1);
    CHECK(holds(status_text(facts), "mx.example.org\\n  1970-07-10T00:00:00Z    90  aaaa"));
    CHECK(holds(status_json(facts), R"("days_left":90,"expires_soon":false)"));
    facts.overview.daemon.certificates_left_out = 7;
    CHECK(holds(status_text(facts), "and 7 that expire later\n"));
    CHECK(holds(status_json(facts), R"("certificates_left_out":7)"));
}

TEST_CASE("a certificate that was read again is told with what it was") {
    const WallTime now(std::chrono::milliseconds(100 * day));
    auto rows = facts_with_certificate(101 * day).overview.daemon.certificates;
    CHECK(certificates_text(rows, now) ==
          "mx.example.org\\n\n"
          "  file         /etc/tls/mx.pem\n"
          "  fingerprint  " +
              std::string(64, 'a') +
              "\n"
              "  before       none\n"
              "  names        mx.example.org *.example.org\n"
              "  validity     expires on 1970-04-12T00:00:00Z, in 1 day\n");
    rows[0].fingerprint_before = std::string(64, 'b');
    CHECK(holds(certificates_text(rows, now), "\n  before       bbb"));
    rows[0].fingerprint_before = rows[0].fingerprint;
    CHECK(holds(certificates_text(rows, now), "aaa (unchanged)\n  names"));
}

TEST_CASE("a certificate expires soon 21 days before its end, or in the last third of its life") {
    const std::int64_t born = 1000 * day;
    CHECK_FALSE(links::expires_soon(born, born + 90 * day, born + 69 * day - 1));
    CHECK(links::expires_soon(born, born + 90 * day, born + 69 * day));
    CHECK_FALSE(links::expires_soon(born, born + 6 * day, born + 4 * day - 1));
    CHECK(links::expires_soon(born, born + 6 * day, born + 4 * day));
    CHECK(links::expires_soon(born, born + 6 * day, born + 7 * day));
    CHECK(links::expires_soon(INT64_MIN, INT64_MIN, INT64_MAX));
    CHECK(links::days_left(born + day, born) == 1);
    CHECK(links::days_left(born + day, born + 1) == 0);
    CHECK(links::days_left(born, born + 1) == -1);
    CHECK(links::days_left(born, born + day) == -1);
    CHECK(links::days_left(born, born + day + 1) == -2);
}

TEST_CASE("a status in JSON has every number that the text has") {
    const std::string json = status_json(some_facts());
    for (const char* part :
         {R"("version":"0.1.0")", R"("generation":2)", R"("uptime_seconds":3725)",
          R"("listeners":["127.0.0.1:25","[::1]:25"])", R"("deferred":3)", R"("accepting":true)",
          R"("room":"qmgr")", R"("pid":42,"uid":994)", R"("uid":null)", R"("detail":"alice")",
          R"("memory_bytes":1572864)", R"("memory_bytes":null)", R"("memory_kind":"pss")"}) {
        INFO(part);
        CHECK(holds(json, part));
    }
}

TEST_CASE("the verdict of a command is one object") {
    CHECK(verdict_json("removed 2 messages") ==
          "{\"ok\":true,\"status\":0,\"text\":\"removed 2 messages\"}\n");
    CHECK(verdict_json(fails(69, "a\nb")) == "{\"ok\":false,\"status\":69,\"text\":\"a\\nb\"}\n");
}
