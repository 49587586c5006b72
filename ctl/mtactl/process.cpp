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

// These files come in one read: the kernel writes them anew for each. A line end in the process's
// own name, which comes first in `status`, is escaped there.
std::string read_proc(pid_t pid, const char* name) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    std::array<char, 4096> text{};
    const ssize_t length = ::read(file.get(), text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string_view without_blanks(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::string_view label,
                                          std::size_t index) {
    const std::size_t at = text.find("\n" + std::string(label) + ":");
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + label.size() + 2);
    text = without_blanks(text.substr(0, text.find('\n')));
    for (; index > 0; --index) {
        text = without_blanks(text.substr(std::min(text.find_first_of(" \t"), text.size())));
    }
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> memory_of(pid_t pid, MemoryKind kind) {
    const auto number = kind == MemoryKind::pss
                            ? parse_number(read_proc(pid, "smaps_rollup"), "Pss")
                            : parse_number(read_proc(pid, "status"), "VmRSS");
    return number ? std::optional(*number * kibibyte) : std::nullopt;
}

// Real, effective, saved and file system uid.
std::optional<std::uint64_t> uid_of(pid_t pid) {
    return parse_number(read_proc(pid, "status"), "Uid", 1);
}

}  // namespace holdfast::mtactl
