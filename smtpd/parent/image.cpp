#include "smtpd/parent/image.h"

#include <array>

#include <fcntl.h>

#include "smtpd/base/panic.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/rooms.h"

namespace holdfast {

namespace {

Status pin_one(std::map<std::string, Image::Pinned, std::less<>>& files, const std::string& name,
               const std::string& path) {
    UniqueFd file(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!file) return errno_error("open the program", path);
    files.emplace(name, Image::Pinned{path, std::move(file)});
    return {};
}

}  // namespace

Result<std::shared_ptr<const Image>> Image::pin(const Paths& paths) {
    std::map<std::string, Pinned, std::less<>> files;
    if (const auto done = pin_one(files, "smtpd", paths.smtpd); !done) return done.error().pass();
    std::vector<std::string> names{"probe", "mda"};
    for (const RoomRow& row : room_table()) names.emplace_back(links::room_name(row.room));
    for (const std::string& name : names) {
        if (const auto done = pin_one(files, name, paths.libexec + "/" + name); !done) {
            return done.error().pass();
        }
    }
    return std::make_shared<const Image>(std::move(files));
}

std::shared_ptr<const Image> Image::adopt(std::vector<links::ProgramState> programs) {
    std::map<std::string, Pinned, std::less<>> files;
    for (links::ProgramState& one : programs) {
        files.emplace(one.name, Pinned{one.path, std::move(one.file)});
    }
    return std::make_shared<const Image>(std::move(files));
}

std::vector<links::ProgramState> Image::leave() const {
    std::vector<links::ProgramState> result;
    for (const auto& [name, program] : files_) {
        result.push_back({name, program.path, duplicate(program.file.get())});
    }
    return result;
}

Executable Image::find(std::string_view name) const {
    const auto found = files_.find(name);
    if (found == files_.end()) panic("a program that the image does not have");
    return {found->second.file.get(), found->second.path};
}

}  // namespace holdfast
