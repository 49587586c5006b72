// Deliveries that wait for the same way: to one user's agent, or to one destination. So many wait
// in memory, and so many recipients of their messages; beyond it a message is only remembered
// ("parked") and called for again when there is less. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "smtpd/base/message_id.h"

namespace holdfast::qmgr {

template <class Job>
class Line {
  public:
    static constexpr std::size_t max_length = 200;
    // Of deliveries that have not ended; one message always.
    static constexpr std::size_t max_weight = 2000;

    // For a message of so many recipients. False: it is to be parked.
    bool has_room(std::size_t weight) const {
        return jobs_.size() < max_length && (weight_ == 0 || weight_ + weight <= max_weight);
    }

    // Its weight counts until release().
    void push(Job job) {
        weight_ += job.weight;
        jobs_.push_back(std::move(job));
    }
    void release(std::size_t weight) { weight_ -= weight; }
    // To the front again, its weight counts already.
    void put_back(Job job) { jobs_.push_front(std::move(job)); }
    Job pop() {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }
    // All of them, first come first.
    std::deque<Job> take_all() { return std::exchange(jobs_, {}); }

    // Once, however often; the oldest message is called for first.
    void park(const MessageId& id, std::size_t weight) { parked_[id] = weight; }
    // Up to so many that there is room for: no longer parked.
    std::vector<MessageId> unpark(std::size_t count) {
        std::vector<MessageId> called;
        std::size_t borne = weight_;  // with those that are not here yet
        while (called.size() < count && !parked_.empty()) {
            const auto [id, weight] = *parked_.begin();
            if (borne > 0 && borne + weight > max_weight) break;
            borne += weight;
            parked_.erase(parked_.begin());
            called.push_back(id);
        }
        return called;
    }
    void forget_parked() { parked_.clear(); }

    bool empty() const { return jobs_.empty(); }
    std::size_t size() const { return jobs_.size(); }
    std::size_t parked() const { return parked_.size(); }
    // Nothing here is waited for by anybody.
    bool unused() const { return jobs_.empty() && parked_.empty(); }

  private:
    std::deque<Job> jobs_;
    std::map<MessageId, std::size_t> parked_;  // with their weights
    std::size_t weight_ = 0;
};

}  // namespace holdfast::qmgr
