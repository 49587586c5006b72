#include "queue/seen_set.h"

#include <utility>

#include <sys/random.h>

#include "smtpd/base/panic.h"

namespace holdfast::queue {

namespace {

std::uint64_t random_key() {
    std::uint64_t key = 0;
    if (getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key)) {
        panic("getrandom gave no random bytes");
    }
    return key;
}

// Mixes one word into a hash (the finaliser of splitmix64).
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    hash ^= word;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
    return hash ^ hash >> 31;
}

std::uint64_t word_at(const MessageId& id, std::size_t at) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word = word << 8 | id.bytes().at(at + i);
    return word;
}

}  // namespace

SeenSet::SeenSet() : key_(random_key()) {}

// The place that holds the submission, or the free one where it belongs. There always is one.
std::size_t SeenSet::place_of(const Submission& submission) const {
    std::uint64_t hash = mix(key_, submission.uid);
    hash = mix(mix(hash, word_at(submission.id, 0)), word_at(submission.id, 8));
    const std::size_t mask = places_.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash ^ key_) & mask;
    while (used_[at] && places_[at] != submission) at = (at + 1) & mask;
    return at;
}

bool SeenSet::contains(const Submission& submission) const {
    return size_ != 0 && used_[place_of(submission)];
}

void SeenSet::add(const Submission& submission) {
    if (size_ * 4 >= places_.size() * 3) grow();
    const std::size_t at = place_of(submission);
    if (used_[at]) return;
    used_[at] = true;
    places_[at] = submission;
    ++size_;
}

void SeenSet::grow() {
    const std::size_t size = places_.empty() ? 16 : places_.size() * 2;
    const auto places = std::exchange(places_, std::vector<Submission>(size));
    const auto used = std::exchange(used_, std::vector<bool>(size));
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!used[i]) continue;
        const std::size_t at = place_of(places[i]);
        used_[at] = true;
        places_[at] = places[i];
    }
}

}  // namespace holdfast::queue
