#include "ctl/mtactl/process.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "smtpd/base/unique_fd.h"

namespace holdfast::mtactl {

namespace {

constexpr std::uint64_t kibibyte = 1024;

template <class Number>
std::optional<Number> leading_number(std::string_view text) {
    Number value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc()) return std::nullopt;
    return value;
}

// What follows the line's label and its blanks, to the end of `text`; empty where there is none.
std::string_view behind_label(std::string_view text, std::string_view label) {
    const std::size_t at = text.find(label);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + label.size());
    return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

// These files come in one read: the kernel writes them anew for each.
std::string read_proc(pid_t pid, const char* name) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    std::array<char, 4096> text{};
    const ssize_t length = ::read(file.get(), text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

std::optional<std::uint64_t> parse_pss(std::string_view smaps_rollup) {
    const auto number = leading_number<std::uint64_t>(behind_label(smaps_rollup, "\nPss:"));
    if (!number) return std::nullopt;
    return *number * kibibyte;
}

std::optional<std::uint64_t> parse_resident_pages(std::string_view statm) {
    const std::size_t first_end = statm.find(' ');
    if (first_end == std::string_view::npos) return std::nullopt;
    return leading_number<std::uint64_t>(statm.substr(first_end + 1));
}

// "Uid:", then real, effective, saved and file system uid, with tabs between them. A line end in
// the process's own name, which comes first, is escaped there.
std::optional<std::uint32_t> parse_effective_uid(std::string_view status) {
    const std::string_view uids = behind_label(status, "\nUid:");
    const std::string_view effective = behind_label(uids.substr(0, uids.find('\n')), "\t");
    return leading_number<std::uint32_t>(effective);
}

std::optional<std::uint64_t> memory_of(pid_t pid, MemoryKind kind) {
    if (kind == MemoryKind::pss) return parse_pss(read_proc(pid, "smaps_rollup"));
    const auto pages = parse_resident_pages(read_proc(pid, "statm"));
    if (!pages) return std::nullopt;
    return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::uint32_t> uid_of(pid_t pid) {
    return parse_effective_uid(read_proc(pid, "status"));
}

}  // namespace holdfast::mtactl
