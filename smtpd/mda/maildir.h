// A Maildir below the user's home. A message is written to tmp/, synced, and renamed into new/;
// one sync of new/ serves a batch. Its name follows from the order alone, so a repeated delivery
// finds what an earlier one left, in new/ or in cur/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "queue/verdict.h"
#include "smtpd/mda/content.h"

namespace holdfast::mda {

// "1732173018.H01J...ZR0.web1.example.net": the seconds of its admission, the message and the
// recipient. In `hostname`, bytes that have a meaning in names become "_".
std::string maildir_name(const links::Deliver& order, std::string_view hostname);

class Maildir {
  public:
    struct Settings {
        std::string home;      // of the user; may be reached over symbolic links
        std::string path;      // below it: "Maildir"; no link is followed in there
        std::string hostname;  // for the names
    };

    // Opens it, or makes what is missing of it, durably. To be called as the user.
    static Result<Maildir> open(Settings settings);

    // What goes in front of a message.
    std::string head(const links::Deliver& order) const;

    // The file in tmp/ that will be the message; removed by discard() if it never gets complete.
    Result<UniqueFd> spill_file(const links::Deliver& order) const;
    void discard(const links::Deliver& order) const;
    // Where that file is, for messages.
    std::string spill_place() const { return path() + "/tmp"; }

    // The user has removed it, or put it elsewhere. A confined agent cannot make another: the next
    // one can.
    bool gone() const;

    // Stores; durable on return. One outcome for each, or none at all where it can't be told what
    // will be on the disk after a crash: then nothing may be said about them.
    std::vector<Outcome> store(std::span<const Parcel> batch) const;

    // The directory itself, for the confinement.
    std::string path() const { return settings_.home + "/" + settings_.path; }

  private:
    struct Item;

    Maildir(Settings settings, UniqueFd top)
        : settings_(std::move(settings)), top_(std::move(top)) {}

    std::string name(const links::Deliver& order) const;
    Status find_earlier(std::span<Item> items) const;
    void write(Item& item) const;
    void sync(std::span<Item> items) const;
    void publish(Item& item) const;
    Status sync_folders(std::span<const Item> items) const;
    bool take_back(std::span<const Item> items) const;

    Settings settings_;
    UniqueFd top_;
    UniqueFd tmp_;
    UniqueFd new_;
    UniqueFd cur_;
};

}  // namespace holdfast::mda
