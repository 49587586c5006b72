// The state in which callers leave a process, put right: cron, mailers and daemons start sendmail
// with closed descriptors, ignored or blocked signals, any umask and any limits.
#pragma once

#include <cstdint>

namespace holdfast::sendmail {

enum class Input : std::uint8_t { open, missing };

// Fills descriptors 0-2 where they are closed, ignores SIGPIPE and SIGXFSZ (a write then says
// EPIPE or EFBIG), unblocks every signal. Tells whether there was a standard input.
Input prepare_process();

// The signals that end a process: those of INT, TERM, HUP and QUIT that were not ignored when it
// started. They act at once while nothing is at stake. From the moment in which the message may
// have been accepted they are held back: whoever sent them would else hear of a failure, and
// mail twice.
void hold_ending_signals();
bool ending_signal_held();

// Lets a signal that was held back end the process; returns where there was none.
void release_ending_signals();

}  // namespace holdfast::sendmail
