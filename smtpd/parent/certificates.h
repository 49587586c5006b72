// The certificates of one generation of rooms and their private keys: signer has the keys, smtpin
// shows the certificates. A set of them is copied from its files, loaded by both rooms and judged
// there; only when all of it is good it takes the place of the set before it. The copies stay, so
// that a room which is started again gets what was checked. Parses nothing; trusts signer with the
// keys, and smtpin with nothing but what it says of certificates for people.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "smtpd/links/handover.h"
#include "smtpd/links/parent_signer.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/loop/watch.h"
#include "smtpd/parent/report.h"

namespace holdfast {

class Loop;

class Certificates {
  public:
    // Key and certificate are replaced one after the other: what does not fit together may in a
    // moment.
    static constexpr unsigned max_readings = 6;
    static constexpr Duration between_readings = std::chrono::milliseconds(200);
    // A room that has not answered by then hangs.
    static constexpr Duration answer_limit = std::chrono::seconds(5);
    // Sets that handshakes in progress may be using: with more, the oldest is taken away from them.
    static constexpr std::size_t max_retired = 30;
    // Of a chain or a key, in bytes; the rooms have limits of their own.
    static constexpr std::size_t max_file = 256 * 1024;

    // Handshakes that use a set take no longer than this after the next one is in use
    // (smtpin/patience.h); an smtpin that has been taken over would never let it go.
    static constexpr Duration default_retired_limit = std::chrono::seconds(90);

    // The ways to the rooms; false where there is none now. And how to end a
    // signer that hangs: nobody's session lies in it.
    struct Rooms {
        std::function<bool(links::ParentToSigner)> signer;
        std::function<bool(links::ParentToSmtpin)> smtpin;
        std::function<void()> end_signer;
    };
    // `report` has the certificates that are in use now, or the reason why the ones of before stay
    // so. It may destroy the caller.
    using Done = std::function<void(const Report& report)>;

    Certificates(Loop& loop, Rooms rooms, Duration retired_limit = default_retired_limit);

    // What there is to be loaded, in the order of smtpd.conf.
    void plan(const std::vector<links::CertificatePlan>& plans);
    bool any() const { return !plans_.empty(); }

    // Reads the files and puts them in use. Calls `done` once, perhaps before it returns. One at a
    // time.
    void load(Done done);

    // A room is there again and knows nothing: to be called before it meets its peers. Or it has
    // gone, and with it what it knew.
    void came_up(links::Room room);
    void went_down(links::Room room);

    // What is in use now.
    std::vector<links::CertificateStatus> status() const;
    // The hosts whose certificate was another one there.
    std::vector<std::string> changes_from(const Certificates& before) const;

    // For a successor in this process. Nothing is being loaded.
    links::CertificatesState leave() const;
    void adopt(links::CertificatesState state);

    // The rooms' answers. What was not asked for, or comes too late, changes nothing.
    void on(links::KeysLoaded&& answer);
    void on(links::CertificatesLoaded&& answer);
    void on(links::CertificatesInUse&& answer);
    void on(links::CertificatesFree&& news);

  private:
    struct Pair {
        links::CertificatePlan plan;
        UniqueFd chain;
        UniqueFd key;
        std::string public_key;
        links::LoadedCertificate facts = {};
        std::string fingerprint_before = {};
    };
    struct Set {
        std::uint64_t number = 0;  // 0: there is none
        std::vector<Pair> pairs;
    };
    enum class Step : std::uint8_t {
        idle,
        pausing,    // before another reading
        keys,       // signer is loading
        chains,     // smtpin is
        switching,  // smtpin was told to use it
    };

    void read();
    Report copy_files();
    bool send_keys(const Set& set);
    bool send_chains(const Set& set);
    template <class Loaded>
    static void tell_of_lost(const std::vector<Loaded>& all);
    void take_answer(const links::LoadedKey& key);
    Status check_time(const Pair& pair) const;
    void switch_over();
    const Pair* find_like(const Pair& pair) const;
    void unfit(std::uint8_t status, std::string reason);
    void give_up(std::uint8_t status, std::string reason);
    void drop_tried();
    void finish(Report report);
    void time_is_up();
    void forget_retired();
    void forget(std::uint64_t set);

    Loop& loop_;
    Rooms rooms_;
    const Duration retired_limit_;
    std::vector<links::CertificatePlan> plans_;
    Set current_;
    std::vector<std::uint64_t> retired_;  // the oldest first

    // What is being loaded.
    Step step_ = Step::idle;
    Set tried_;
    std::uint64_t last_set_ = 0;
    unsigned readings_ = 0;
    std::size_t answers_ = 0;                      // of signer's
    std::vector<links::LoadedCertificate> facts_;  // smtpin's, as far as they have come
    std::string refusal_;                          // the first one
    Timer timer_;
    Timer retired_timer_;
    Done done_;
};

}  // namespace holdfast
