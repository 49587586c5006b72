#include "smtpd/mda/sync.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

#include <unistd.h>

namespace holdfast::mda {

namespace {

constexpr std::size_t most_threads = 8;

}  // namespace

std::vector<int> sync_files(std::span<const int> files) {
    std::vector<int> results(files.size(), 0);
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t i = next++; i < files.size(); i = next++) {
            if (files[i] >= 0 && fsync(files[i]) != 0) results[i] = errno;
        }
    };
    std::vector<std::jthread> others;
    try {
        while (others.size() + 1 < std::min(files.size(), most_threads)) others.emplace_back(work);
    } catch (const std::system_error&) {
        // No more threads: the work gets done by fewer.
    }
    work();
    others.clear();  // waits for them
    return results;
}

}  // namespace holdfast::mda
