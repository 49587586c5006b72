// Finds a mail loop (F49): the header of a message that was delivered to this user before names
// him in a Delivered-To line. Takes the message in pieces as they come and keeps one short line.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::mda {

class LoopDetector {
  public:
    // `delivered_to` is what trace_lines() writes; an empty one is never found.
    explicit LoopDetector(std::string_view delivered_to);

    void feed(std::string_view bytes);
    bool found() const { return found_; }

  private:
    void end_line();

    std::string delivered_to_;
    std::string line_;
    bool in_header_ = true;
    bool found_ = false;
};

}  // namespace holdfast::mda
