// A spool in a temporary folder of the real file system, gone with this object.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <stdlib.h>

#include "queue/store.h"
#include "tests/catch.h"

namespace holdfast::queue {

inline std::string new_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "holdfast-queue.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) FAIL("mkdtemp " << path);
    return path;
}

struct RealSpool {
    RealSpool() : root(new_folder()) {
        auto spool = open_spool(root.c_str());
        if (!spool) FAIL(spool.error().text());
        auto opened = Store::open(real_file_system(), std::move(*spool));
        if (!opened) FAIL(opened.error().text());
        store = std::move(*opened);
    }
    RealSpool(const RealSpool&) = delete;
    RealSpool& operator=(const RealSpool&) = delete;
    ~RealSpool() {
        std::error_code ignored;
        std::filesystem::remove_all(root, ignored);
    }

    static void write(const std::string& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
    }
    static std::string read(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string root;
    std::unique_ptr<Store> store;
};

}  // namespace holdfast::queue
