#include "smtpd/users/pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <sysexits.h>

#include "smtpd/base/log.h"

namespace holdfast::users {

namespace {

struct Task {
    std::uint64_t ticket = 0;
    Query query;
};

}  // namespace

struct Pool::Shared {
    std::mutex mutex;
    std::condition_variable work;
    std::deque<Task> tasks;
    Database database;
    // Where answers go; null when the pool has gone. A thread holds the mutex while it posts, so
    // the loop can't go away under it.
    Loop* loop = nullptr;
    std::function<void(std::uint64_t, links::UserReply)> finish;

    // What a thread does for all its life. Holds the state itself: it may outlive the pool.
    static void serve(const std::shared_ptr<Shared>& self) {
        std::unique_lock lock(self->mutex);
        while (true) {
            self->work.wait(lock, [&] { return !self->tasks.empty() || self->loop == nullptr; });
            if (self->loop == nullptr) return;
            const Task task = std::move(self->tasks.front());
            self->tasks.pop_front();
            lock.unlock();
            links::UserReply reply = self->database(task.query);
            lock.lock();
            if (self->loop == nullptr) return;
            self->loop->post([weak = std::weak_ptr(self), ticket = task.ticket,
                              reply = std::move(reply)]() mutable {
                const auto shared = weak.lock();
                if (shared && shared->finish) shared->finish(ticket, std::move(reply));
            });
        }
    }
};

Pool::Pool(Loop& loop, Database database, Limits limits)
    : loop_(loop),
      limits_(limits),
      shared_(std::make_shared<Shared>()),
      timer_(loop, [this] { expire(); }) {
    shared_->loop = &loop;
    shared_->finish = [this](std::uint64_t ticket, links::UserReply reply) {
        answered(ticket, std::move(reply));
    };
    shared_->database = std::move(database);
    for (std::uint32_t i = 0; i < limits.threads; ++i) {
        std::thread(Shared::serve, shared_).detach();
    }
}

Pool::~Pool() {
    const std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
    shared_->finish = nullptr;
    shared_->work.notify_all();
}

void Pool::ask(Query query, Answer answer) {
    if (pending_.size() >= limits_.waiting) return answer({});
    const std::uint64_t ticket = ++last_ticket_;
    pending_.emplace(ticket, Pending{loop_.now() + limits_.patience, std::move(answer)});
    if (pending_.size() == 1) set_timer();
    if (out_++ == 0) heard_ = loop_.now();
    const std::lock_guard lock(shared_->mutex);
    shared_->tasks.push_back({ticket, std::move(query)});
    shared_->work.notify_one();
}

void Pool::answered(std::uint64_t ticket, links::UserReply reply) {
    --out_;
    heard_ = loop_.now();
    finish(ticket, std::move(reply));
}

void Pool::finish(std::uint64_t ticket, links::UserReply reply) {
    const auto at = pending_.find(ticket);
    if (at == pending_.end()) return;  // took too long
    const Answer answer = std::move(at->second.answer);
    pending_.erase(at);
    answer(std::move(reply));
}

void Pool::expire() {
    while (!pending_.empty() && pending_.begin()->second.deadline <= loop_.now()) {
        const std::uint64_t ticket = pending_.begin()->first;
        {
            // Nobody waits for it any more: the database need not be asked.
            const std::lock_guard lock(shared_->mutex);
            out_ -= std::erase_if(shared_->tasks,
                                  [&](const Task& task) { return task.ticket == ticket; });
        }
        finish(ticket, {});
    }
    set_timer();
    give_up_if_silent();
}

void Pool::give_up_if_silent() {
    const Duration silence = loop_.now() - heard_;
    if (out_ < limits_.threads || silence < limits_.silence) return;
    log::error("user-database-hangs", {{"threads", limits_.threads}, {"since", silence}});
    loop_.stop(EX_UNAVAILABLE);
}

void Pool::set_timer() {
    if (!pending_.empty()) timer_.set(pending_.begin()->second.deadline - loop_.now());
}

}  // namespace holdfast::users
