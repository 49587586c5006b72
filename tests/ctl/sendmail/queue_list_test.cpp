#include "ctl/sendmail/queue_list.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::sendmail;

namespace {

links::QueueItem item() {
    links::QueueItem item;
    item.id = *MessageId::parse("01M7YKTKYJ065RDTDPBGH8XV2A");
    item.state = links::QueueState::active;
    item.size = 1024;
    item.admitted = 1'700'000'000'000;
    item.sender = "alice@x";
    item.recipients = {{"bob@x", "451 4.3.0 try\nlater"}, {"eve@x", ""}};
    return item;
}

}  // namespace

TEST_CASE("an empty queue has the words that monitoring looks for") {
    CHECK(QueueList().summary() == "Mail queue is empty\n");
}

TEST_CASE("a message is a line, its recipients are below, its troubles in brackets") {
    QueueList list;
    const std::string lines = list.add(item());
    CHECK(lines.find("01M7YKTKYJ065RDTDPBGH8XV2A*     1024 Tue Nov 14 22:13:20  alice@x\n") !=
          std::string::npos);
    CHECK(lines.find("(451 4.3.0 try\\nlater)\n") != std::string::npos);
    CHECK(lines.find(" bob@x\n") < lines.find(" eve@x\n"));
    CHECK(list.summary() == "\n-- 1 Kbytes in 1 Request.\n");
}

TEST_CASE("the summary counts and rounds up") {
    QueueList list;
    links::QueueItem one = item();
    one.size = 1025;
    list.add(one);
    one.sender.clear();
    CHECK(list.add(one).find("MAILER-DAEMON\n") != std::string::npos);
    CHECK(list.summary() == "\n-- 3 Kbytes in 2 Requests.\n");
}
