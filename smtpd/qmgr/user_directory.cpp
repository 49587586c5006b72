#include "smtpd/qmgr/user_directory.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

const UserAnswer* UserCache::find(std::string_view name, MonoTime now) const {
    const auto at = items_.find(name);
    return at != items_.end() && now < at->second.until ? &at->second.answer : nullptr;
}

void UserCache::store(std::string_view name, UserAnswer answer, MonoTime now) {
    if (answer.lookup == links::Lookup::failed) return;
    if (items_.size() >= max_answers) items_.clear();
    const Duration life = answer.lookup == links::Lookup::found ? found_for : unknown_for;
    items_.insert_or_assign(std::string(name), Item{std::move(answer), now + life});
}

// One route's questions and what was answered so far: kept here, so that an answer that the cache
// will not hold still counts for this route.
struct UserDirectory::Search {
    Attempt attempt;
    Done done;
    std::weak_ptr<const void> alive;
    std::map<std::string, UserAnswer, std::less<>> answers;
    std::size_t open = 0;
};

UserDirectory::UserDirectory(Loop& loop, std::function<void()> on_malformed)
    : loop_(loop),
      on_malformed_(std::move(on_malformed)),
      deadline_(loop, [this] { give_up_late_ones(); }) {}

void UserDirectory::connect(UniqueFd channel) {
    channel_ = std::make_unique<Channel<links::ToUsers, links::FromUsers>>(
        loop_, std::move(channel), *this);
    for (const auto& [request, question] : questions_) send(request, question.name);
}

void UserDirectory::route(Attempt attempt, Done done, std::weak_ptr<const void> alive) {
    auto search = std::make_shared<Search>();
    search->attempt = std::move(attempt);
    search->done = std::move(done);
    search->alive = std::move(alive);
    advance(search);
}

void UserDirectory::advance(const std::shared_ptr<Search>& search) {
    if (search->alive.expired()) return;
    const MonoTime now = loop_.now();
    Route route = search->attempt([&](std::string_view name) -> const UserAnswer* {
        const auto known = search->answers.find(name);
        return known != search->answers.end() ? &known->second : cache_.find(name, now);
    });
    if (route.questions.empty()) return search->done(std::move(route));
    search->open = route.questions.size();
    for (const std::string& name : route.questions) {
        ask(name, [this, search, name](const UserAnswer& answer) {
            search->answers.insert_or_assign(name, answer);
            if (--search->open == 0) advance(search);
        });
    }
}

void UserDirectory::ask(const std::string& name, Answered answered) {
    if (const auto known = requests_.find(name); known != requests_.end()) {
        questions_.at(known->second).waiting.push_back(std::move(answered));
        return;
    }
    const std::uint64_t request = ++last_request_;
    requests_.emplace(name, request);
    Question& question = questions_[request];
    question = {name, loop_.now() + patience, {}};
    question.waiting.push_back(std::move(answered));
    if (!deadline_.pending()) deadline_.set(patience);
    send(request, name);
}

void UserDirectory::send(std::uint64_t request, const std::string& name) {
    if (channel_) channel_->send(links::NameQuery{request, name});
}

void UserDirectory::on(links::UserReply&& reply) {
    // A late answer, or one that was never asked for, concerns nobody.
    answer(reply.request, {reply.lookup, std::move(reply.name)});
}

void UserDirectory::answer(std::uint64_t request, const UserAnswer& answer) {
    const auto at = questions_.find(request);
    if (at == questions_.end()) return;
    const Question question = std::move(at->second);
    questions_.erase(at);
    requests_.erase(question.name);
    cache_.store(question.name, answer, loop_.now());
    for (const Answered& answered : question.waiting) answered(answer);
}

void UserDirectory::give_up_late_ones() {
    while (!questions_.empty() && questions_.begin()->second.deadline <= loop_.now()) {
        log::warning("users-silent", {{"name", questions_.begin()->second.name}});
        answer(questions_.begin()->first, {});
    }
    if (!questions_.empty()) deadline_.set(questions_.begin()->second.deadline - loop_.now());
}

void UserDirectory::on_end(ChannelEnd how) {
    channel_.reset();
    if (how == ChannelEnd::malformed) on_malformed_();
}

}  // namespace holdfast::qmgr
