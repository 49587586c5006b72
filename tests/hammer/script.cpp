#include "tests/hammer/script.h"

namespace holdfast::hammer {

namespace {

const std::string ehlo = "EHLO hammer.example.org\r\n";
const std::string sender = "MAIL FROM:<hammer@example.org>\r\n";

std::string message(const std::string& name) {
    return "Subject: " + name + "\r\n\r\n" + std::string(2000, 'x') + "\r\n.\r\n";
}

std::string recipient(const std::string& to) {
    return "RCPT TO:<" + to + ">\r\n";
}

void add_tls(std::vector<Step>& steps, Security security) {
    if (security == Security::plain) return;
    steps.push_back({ehlo, 250});
    steps.push_back({"STARTTLS\r\n", 220, 0, true});
}

}  // namespace

std::vector<Step> knock(Security security) {
    std::vector<Step> steps{{"", 220}};
    add_tls(steps, security);
    steps.push_back({"QUIT\r\n", 221});
    return steps;
}

std::vector<Step> mail(const std::string& to, const std::string& name) {
    return {{"", 220},         {ehlo, 250},
            {sender, 250},     {recipient(to), 250},
            {"DATA\r\n", 354}, {message(name), 250, 0, false, true},
            {"QUIT\r\n", 221}};
}

std::vector<Step> held(Security security, const std::string& to, const std::string& name,
                       double pause) {
    const std::string text = message(name);
    std::vector<Step> steps{{"", 220}};
    add_tls(steps, security);
    const std::vector<Step> rest{{ehlo, 250, pause},
                                 {sender.substr(0, 9), 0, pause},
                                 {sender.substr(9), 250, pause},
                                 {recipient(to), 250, pause},
                                 {"DATA\r\n", 354},
                                 {text.substr(0, 700), 0},
                                 {text.substr(700), 250, pause, false, true},
                                 {"NOOP\r\n", 250, pause},
                                 {"QUIT\r\n", 221}};
    steps.insert(steps.end(), rest.begin(), rest.end());
    return steps;
}

}  // namespace holdfast::hammer
