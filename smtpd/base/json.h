// Writes JSON (RFC 8259). It only writes, so it needs no tree: values are text from the start.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// A string value with its quotation marks. Control characters are escaped; a byte that belongs to
// no UTF-8 character becomes U+FFFD.
std::string json_string(std::string_view text);

// An array of values that are JSON already.
std::string json_array(const std::vector<std::string>& values);

// An array of strings.
std::string json_strings(const std::vector<std::string>& texts);

// An object, member after member.
class JsonObject {
  public:
    JsonObject& text(std::string_view key, std::string_view value) {
        return raw(key, json_string(value));
    }
    JsonObject& flag(std::string_view key, bool value) {
        return raw(key, value ? "true" : "false");
    }
    template <std::integral Number>
    JsonObject& number(std::string_view key, Number value) {
        return raw(key, std::to_string(value));
    }
    // A value that is JSON already.
    JsonObject& raw(std::string_view key, std::string_view json);

    std::string json() const { return "{" + members_ + "}"; }

  private:
    std::string members_;
};

}  // namespace holdfast
