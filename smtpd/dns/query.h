// One question, put to the name servers of resolv.conf in their order: the next one is asked where
// the one before has failed, or has said nothing for a while. The first that can say decides; never
// is one that stands behind asked for a second opinion, since the first may know names that the
// others deny.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/dns/name_server.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"

namespace holdfast::dns {

// What a resolver asks. Whoever has begun to ask keeps it until there is an answer.
struct NameServers {
    std::vector<std::unique_ptr<NameServer>> list;
    Duration patience{};  // with one before the next is asked, too
};

class Query {
  public:
    // `callback` is called once, never before the constructor has returned, and may destroy this.
    // There is no other deadline than that of the caller, who destroys it.
    Query(Loop& loop, std::shared_ptr<const NameServers> servers, Question question,
          std::function<void(Answer)> callback);
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    // The name servers that have been asked so far: "192.0.2.1, 192.0.2.2".
    std::string asked() const;

  private:
    void ask_next();
    void on_answer(std::size_t server, Answer answer);
    void finish(Answer answer);

    std::shared_ptr<const NameServers> servers_;
    Question question_;
    std::function<void(Answer)> callback_;
    std::vector<NameServer::Ticket> tickets_;  // of each server that has been asked
    std::size_t failed_ = 0;
    std::string why_;
    Timer timer_;
};

}  // namespace holdfast::dns
