#include "smtpd/base/log.h"

#include <map>
#include <mutex>

#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/event_limit.h"
#include "smtpd/base/quote.h"

namespace holdfast::log {

namespace {

enum class Severity : std::uint8_t { error = 3, warning = 4, info = 6 };

constexpr int mail_facility = 2 << 3;

// The one mutable global beside signal flags. qmgr's disk threads log too: hence the mutex.
struct Sink {
    std::mutex mutex;
    UniqueFd fd;
    Form form = Form::stream;
    std::string name = "holdfast";
    pid_t pid = 0;  // of the process that opened it; 0: not opened
    unsigned long dropped = 0;
    std::function<void()> lost;
    std::map<std::string, EventLimit, std::less<>> limits;

    int number() const { return fd ? fd.get() : STDERR_FILENO; }
    std::string lead(Severity severity) const;
    bool write_line(Severity severity, const std::string& text);
    void tell_dropped();
    void emit(Severity severity, const std::string& text);
};

Sink& sink() {
    static Sink the_sink;
    return the_sink;
}

std::string Sink::lead(Severity severity) const {
    const int level = static_cast<int>(severity);
    const pid_t number = pid == 0 ? getpid() : pid;
    std::string who = name + "[" + std::to_string(number) + "]: ";
    switch (form) {
        case Form::stream:
            return who;
        case Form::journal:
            return "<" + std::to_string(level) + ">" + who;
        case Form::datagram:
            return "<" + std::to_string(mail_facility | level) + ">" + who;
    }
    return who;
}

bool Sink::write_line(Severity severity, const std::string& text) {
    std::string whole = lead(severity) + text;
    if (form == Form::datagram) {
        return ::send(number(), whole.data(), whole.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    }
    whole.push_back('\n');
    return ::write(number(), whole.data(), whole.size()) == static_cast<ssize_t>(whole.size());
}

void Sink::tell_dropped() {
    if (dropped == 0) return;
    if (write_line(Severity::warning, line("log-lines-dropped", {{"count", dropped}}))) dropped = 0;
}

// A socket says once that nobody is there, and from then on that it is not connected. Everything
// else is a reader who is slow.
bool nobody_listens(int error) {
    return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == EPIPE ||
           error == EDESTADDRREQ;
}

void Sink::emit(Severity severity, const std::string& text) {
    const int saved = errno;
    tell_dropped();
    if (!write_line(severity, text)) {
        ++dropped;
        if (form == Form::datagram && nobody_listens(errno) && lost) lost();
    }
    errno = saved;
}

void emit(Severity severity, std::string_view event, Fields fields) {
    Sink& out = sink();
    const std::lock_guard lock(out.mutex);
    out.emit(severity, line(event, fields));
}

void emit_limited(Severity severity, std::string_view event, Fields fields) {
    Sink& out = sink();
    const std::lock_guard lock(out.mutex);
    EventLimit& limit = out.limits.try_emplace(std::string(event)).first->second;
    const auto held_back = limit.admit(real_clock().mono());
    if (!held_back) return;
    std::string text = line(event, fields);
    if (*held_back != 0) text.append(" ").append(Field("suppressed", *held_back).text());
    out.emit(severity, text);
}

}  // namespace

Field::Field(std::string_view key, std::string_view value)
    : text_(std::string(key) + "=" + quoted(value)) {}

void open(UniqueFd fd, Form form, std::string_view name) {
    Sink& out = sink();
    const std::lock_guard lock(out.mutex);
    out.fd = std::move(fd);
    out.form = form;
    out.name = name;
    out.pid = getpid();
}

void reopen(UniqueFd fd) {
    Sink& out = sink();
    const std::lock_guard lock(out.mutex);
    out.fd = std::move(fd);
    out.tell_dropped();
}

void when_lost(std::function<void()> lost) {
    Sink& out = sink();
    const std::lock_guard lock(out.mutex);
    out.lost = std::move(lost);
}

void error(std::string_view event, Fields fields) {
    emit(Severity::error, event, fields);
}
void warning(std::string_view event, Fields fields) {
    emit(Severity::warning, event, fields);
}
void info(std::string_view event, Fields fields) {
    emit(Severity::info, event, fields);
}
void warning_limited(std::string_view event, Fields fields) {
    emit_limited(Severity::warning, event, fields);
}
void info_limited(std::string_view event, Fields fields) {
    emit_limited(Severity::info, event, fields);
}

std::string line(std::string_view event, Fields fields) {
    std::string text(event);
    for (const Field& field : fields) {
        if (!field.text().empty()) text.append(" ").append(field.text());
    }
    return text;
}

}  // namespace holdfast::log
