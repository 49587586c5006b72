// What the log of a message adds up to: what became of each recipient. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "queue/record.h"

namespace holdfast::queue {

enum class Progress : std::uint8_t { pending, delivered, refused };

struct TargetState {
    std::string target;  // empty: the recipient itself
    Progress progress = Progress::pending;
    std::uint32_t attempts = 0;  // that ended
    std::int64_t last_time = 0;  // of `last`, milliseconds since 1970
    Outcome last;                // of the last attempt; meaningless while attempts is 0
};

struct RecipientState {
    bool expanded = false;
    std::vector<std::string> expansion;  // fixed; meaningful where `expanded`
    std::vector<TargetState> targets;    // those that an attempt has named, sorted by name
    bool delay_noticed = false;
    bool failure_noticed = false;

    // What is known of a target; a fresh pending state where nothing is.
    TargetState target(std::string_view name) const;
    // Nothing is left to do: all targets of the expansion are settled, or the recipient itself is.
    bool settled() const;
};

struct MessageState {
    std::vector<RecipientState> recipients;  // as many as the envelope has, in its order
    std::uint32_t ignored_lines = 0;  // torn by a crash, or damaged before they were ever synced
};

// Adds one event to what is known, as reading it back from the log would; false where it names a
// recipient that is not there.
bool apply(MessageState& state, const LogEntry& entry);

// Adds up a log that is handed over in pieces of any size.
class LogReader {
  public:
    LogReader(std::size_t recipients, std::uint32_t seed);

    void add(std::string_view bytes);

    struct Summary {
        MessageState state;
        LogCursor cursor;
    };
    // After the last piece. `damaged` where a line is gone that was known to be on disk, or names a
    // recipient that is not there.
    std::expected<Summary, Flaw> finish() &&;

  private:
    void take_line(std::string_view line);

    MessageState state_;
    LogCursor cursor_;
    std::uint32_t claimed_ = 0;  // the highest `synced` that a line has told
    bool impossible_ = false;
    bool newer_ = false;
    bool overlong_ = false;  // the line in hand is longer than any that we write
    std::string line_;
};

}  // namespace holdfast::queue
