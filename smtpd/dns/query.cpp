#include "smtpd/dns/query.h"

#include <utility>

namespace holdfast::dns {

Query::Query(Loop& loop, std::shared_ptr<const NameServers> servers, Question question,
             std::function<void(Answer)> callback)
    : servers_(std::move(servers)),
      question_(std::move(question)),
      callback_(std::move(callback)),
      timer_(loop, [this] { ask_next(); }) {
    ask_next();
}

Query::~Query() {
    for (std::size_t i = 0; i < tickets_.size(); ++i) servers_->list[i]->cancel(tickets_[i]);
}

std::string Query::asked() const {
    std::string names;
    for (std::size_t i = 0; i < tickets_.size(); ++i) {
        names.append(i == 0 ? "" : ", ").append(servers_->list[i]->address());
    }
    return names;
}

void Query::ask_next() {
    const std::size_t next = tickets_.size();
    NameServer& server = *servers_->list[next];
    tickets_.push_back(
        server.ask(question_, [this, next](Answer answer) { on_answer(next, std::move(answer)); }));
    if (tickets_.size() < servers_->list.size()) timer_.set(servers_->patience);
}

void Query::on_answer(std::size_t server, Answer answer) {
    if (answer.meaning != Meaning::unavailable) return finish(std::move(answer));
    if (!why_.empty()) why_ += "; ";
    why_.append(servers_->list[server]->address()).append(": ").append(answer.why);
    if (++failed_ == servers_->list.size()) {
        answer.why = why_;
        return finish(std::move(answer));
    }
    // Another one may be at it already.
    if (failed_ == tickets_.size()) ask_next();
}

void Query::finish(Answer answer) {
    timer_.cancel();
    const auto callback = std::move(callback_);
    callback(std::move(answer));
}

}  // namespace holdfast::dns
