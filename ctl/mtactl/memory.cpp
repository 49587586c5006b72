#include "ctl/mtactl/memory.h"

#include <array>
#include <charconv>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "smtpd/base/unique_fd.h"

namespace holdfast::mtactl {

namespace {

constexpr std::uint64_t kibibyte = 1024;

std::string_view without_spaces(std::string_view text) {
    const std::size_t start = text.find_first_not_of(' ');
    return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc()) return std::nullopt;
    return value;
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
    static constexpr std::string_view label = "\nPss:";
    const std::size_t at = smaps_rollup.find(label);
    if (at == std::string_view::npos) return std::nullopt;
    const auto number = leading_number(without_spaces(smaps_rollup.substr(at + label.size())));
    if (!number) return std::nullopt;
    return *number * kibibyte;
}

std::optional<std::uint64_t> parse_resident_pages(std::string_view statm) {
    const std::size_t first_end = statm.find(' ');
    if (first_end == std::string_view::npos) return std::nullopt;
    return leading_number(statm.substr(first_end + 1));
}

std::optional<std::uint64_t> memory_of(pid_t pid, MemoryKind kind) {
    if (kind == MemoryKind::pss) return parse_pss(read_proc(pid, "smaps_rollup"));
    const auto pages = parse_resident_pages(read_proc(pid, "statm"));
    if (!pages) return std::nullopt;
    return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace holdfast::mtactl
