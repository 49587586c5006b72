#include "smtpd/probe/load.h"

#include <optional>
#include <utility>
#include <vector>

#include "smtpd/base/paths.h"
#include "smtpd/config/alias_loops.h"
#include "smtpd/config/aliases.h"
#include "smtpd/config/leaving.h"
#include "smtpd/config/listeners.h"
#include "smtpd/config/parse.h"
#include "smtpd/probe/certificates.h"
#include "smtpd/probe/relay_files.h"

namespace holdfast::probe {

namespace {

using config::Checked;
using config::Diagnostics;
using config::Place;

constexpr std::size_t max_mailname = 4096;

// Whether a file must be there: named by the admin, or looked for because it is usual.
enum class Presence : std::uint8_t { required, optional };

Place whole(const std::string& path) {
    return {.file = path, .source = {}};
}

class Loader {
  public:
    Loader(const AdminFiles& files, Request request)
        : files_(files), request_(std::move(request)) {}

    Checked<links::Plan> plan() {
        config::Parts parts;
        parts.accounts = take(std::move(request_.accounts));
        auto settings = read_settings();
        if (!settings) return {{}, std::move(diagnostics_)};
        parts.settings = std::move(*settings);
        if (parts.settings.listens.empty()) {
            parts.settings.listens = take(config::parse_default()).listens;
        }
        parts.listeners = take(config::plan_listeners(parts.settings.listens));
        diagnostics_.append(check_certificates(files_, parts.settings.certs, request_.clock));
        diagnostics_.append(check_relay_files(files_, parts.settings.relays));
        parts.names = take(config::choose_names(parts.settings, machine()));
        const auto local_domains = config::local_domains(parts.settings, parts.names);
        diagnostics_.append(config::check_redirect(parts.settings, local_domains));
        parts.aliases = aliases(parts.settings, local_domains);
        return {config::make_plan(std::move(parts)), std::move(diagnostics_)};
    }

  private:
    template <class T>
    T take(Checked<T> checked) {
        diagnostics_.append(std::move(checked.diagnostics));
        return std::move(checked.value);
    }

    // The text of the file, where it can be had. `place` is the file itself, or the word of
    // smtpd.conf that names it: there a problem shows.
    std::optional<std::string> read(const std::string& path, const Place& place, Presence presence,
                                    std::size_t max_bytes) {
        AdminFile file = files_.read(path, max_bytes);
        if (file.missing && presence == Presence::optional) return std::nullopt;
        if (!file.problem.empty()) report(path, place, file);
        return std::move(file.text);
    }

    void report(const std::string& path, const Place& place, const AdminFile& file) {
        const std::string subject = place.file == path ? "this file" : config::in_quotes(path);
        std::vector<std::string> notes;
        if (!file.remedy.empty()) notes.push_back(file.remedy);
        diagnostics_.add(
            {.place = place, .message = subject + " " + file.problem, .notes = std::move(notes)});
    }

    // Nothing where the file cannot be read: all else would be guesswork.
    std::optional<config::Settings> read_settings() {
        const Presence presence = request_.file.empty() ? Presence::optional : Presence::required;
        const std::string path = request_.file.empty() ? paths::config_file : request_.file;
        const std::size_t before = diagnostics_.count(config::Severity::error);
        const auto text = read(path, whole(path), presence, config::max_config);
        if (text) return take(config::parse(*text, path));
        if (diagnostics_.count(config::Severity::error) > before) return std::nullopt;
        return take(config::parse_default());
    }

    config::Machine machine() {
        const Presence usual = Presence::optional;
        return {request_.node_name, paths::mailname,
                read(paths::mailname, whole(paths::mailname), usual, max_mailname)};
    }

    links::AliasSnapshot aliases(const config::Settings& settings,
                                 const std::vector<std::string>& local_domains) {
        const bool named = settings.aliases.has_value();
        const std::string path = named ? settings.aliases->value : paths::aliases;
        const auto text =
            read(path, named ? settings.aliases->place : whole(path),
                 named ? Presence::required : Presence::optional, config::max_aliases);
        if (!text) return {};
        const auto elsewhere =
            config::has_way_out(settings) ? config::Elsewhere::relayed : config::Elsewhere::refused;
        auto table = take(config::parse_aliases(*text, path, local_domains, elsewhere));
        diagnostics_.append(config::alias_loops(table, local_domains));
        return table;
    }

    const AdminFiles& files_;
    Request request_;
    Diagnostics diagnostics_;
};

}  // namespace

Checked<links::Plan> load(const AdminFiles& files, Request request) {
    return Loader(files, std::move(request)).plan();
}

}  // namespace holdfast::probe
