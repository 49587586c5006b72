// Puts many files on the disk at once. One after the other each waits for a turn of the file
// system's journal; side by side they share it, which is several times as fast.
#pragma once

#include <span>
#include <vector>

namespace holdfast::mda {

// The errno of each file's fsync(), 0 where it is durable; -1 is no file. Uses a few threads; where
// the system grants none, they go one after the other.
std::vector<int> sync_files(std::span<const int> files);

}  // namespace holdfast::mda
