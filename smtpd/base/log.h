// One log call, one event: a stable name and key=value pairs, quoted, control bytes escaped.
// Never bodies, never secrets. Every event and key is listed in smtpd(8).
//
//     log::info("delivered", {{"msg", id}, {"to", address}, {"via", "maildir"}});
//
// A line goes out in one write to the sink, which is non-blocking: a line that the sink refuses
// is counted, and the count is logged with the next line that gets through, or by reopen().
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/message_id.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::log {

class Field {
  public:
    Field(std::string_view key, std::string_view value);
    Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}
    Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}
    Field(std::string_view key, const MessageId& id) : Field(key, id.text()) {}
    Field(std::string_view key, const Error& error) : Field(key, error.text()) {}
    Field(std::string_view key, Duration age) : Field(key, short_duration(age)) {}
    template <std::integral Number>
    Field(std::string_view key, Number number) : Field(key, std::to_string(number)) {}

    // Where there is no value there is no key.
    static Field unless_empty(std::string_view key, std::string_view value) {
        return value.empty() ? Field() : Field(key, value);
    }

    const std::string& text() const { return text_; }

  private:
    Field() = default;

    std::string text_;  // key=value
};

using Fields = std::initializer_list<Field>;

enum class Form : std::uint8_t {
    stream,    // "smtpd/qmgr[123]: delivered msg=..." on a terminal or in a file
    journal,   // the same behind "<6>", for the journal's stream
    datagram,  // a datagram to /dev/log
};

// Where lines go. Before this is called: standard error, Form::stream. `name` is in front of each.
// The fd is shared between rooms; O_NONBLOCK is the caller's business. Lines carry the pid of the
// process that called this.
void open(UniqueFd sink, Form form, std::string_view name);

// A new sink of the same form in place of one whose far end has gone. Tells at once what was lost.
void reopen(UniqueFd sink);

// `lost` is called with each line that was refused because nobody is at the far end of the
// datagrams (syslogd has stopped, or was never there), on whatever thread logs: it must not log.
void when_lost(std::function<void()> lost);

void error(std::string_view event, Fields fields);
void warning(std::string_view event, Fields fields);
void info(std::string_view event, Fields fields);

// The same for events that anybody outside can cause at will: see base/event_limit.h. A line behind
// others that were held back has their number in the key `suppressed`.
void warning_limited(std::string_view event, Fields fields);
void info_limited(std::string_view event, Fields fields);

// The line as it goes out, without what `form` puts in front: for tests and for reports.
std::string line(std::string_view event, Fields fields);

}  // namespace holdfast::log
