"""Other mail systems, each with a configuration of its own, inside their own root: peers.py NAME

Each listens on port 2530 of loopback, takes mail for example.com and puts all of it into the
Maildir /peer/mail; Dovecot, which is no mail server, asks for a login and passes mail on to port
2526. Key and certificate are /peer/key.pem and /peer/chain.pem. Serves until its input ends.
"""

import pathlib
import shutil
import subprocess
import sys

PORT = 2530
SHARED = pathlib.Path("/peer")


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


class Postfix:
    def start(self):
        run("postconf", "-e", "mydestination = example.com", "local_recipient_maps =",
            "luser_relay = bob", "mailbox_command =", "alias_maps =", "alias_database =",
            "mailbox_transport =", "home_mailbox = ../../peer/mail/", "myhostname = far.example.com",
            "myorigin = example.com",
            "smtpd_tls_security_level = may", f"smtpd_tls_cert_file = {SHARED}/chain.pem",
            f"smtpd_tls_key_file = {SHARED}/key.pem")
        run("postconf", "-MX", "smtp/inet")
        run("postconf", "-M", f"{PORT}/inet = 127.0.0.1:{PORT} inet n - y - - smtpd")
        run("postfix", "start")

    def stop(self):
        run("postfix", "stop")


class Exim:
    configuration = f"""
primary_hostname = far.example.com
daemon_smtp_ports = {PORT}
local_interfaces = 127.0.0.1
smtp_accept_max = 1000
smtp_accept_queue_per_connection = 0
domainlist local_domains = example.com
tls_advertise_hosts = *
tls_certificate = {SHARED}/chain.pem
tls_privatekey = /etc/exim4/key.pem
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  accept domains = +local_domains
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {SHARED}/mail
  maildir_format
  create_directory
  user = bob
"""

    def start(self):
        pathlib.Path("/etc/exim4/exim4.conf").write_text(self.configuration)
        shutil.copy(SHARED / "key.pem", "/etc/exim4/key.pem")
        shutil.chown("/etc/exim4/key.pem", "Debian-exim")
        self.process = subprocess.Popen(["exim4", "-bdf", "-q1m"], stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class OpenSmtpd:
    """Without TLS: what Debian ships fails in the handshake, whatever the client (EVP lib)."""

    configuration = f"""
table users {{ "@" = bob }}
listen on 127.0.0.1 port {PORT} hostname far.example.com
action "box" maildir "{SHARED}/mail" virtual <users>
match from any for domain "example.com" action "box"
"""

    def start(self):
        pathlib.Path("/etc/smtpd.conf").write_text(self.configuration)
        self.process = subprocess.Popen(["smtpd", "-d"], stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Dovecot:
    """Logins by one mechanism, which is the name of a file in /peer."""

    configuration = """
protocols = submission
listen = 127.0.0.1
base_dir = /run/dovecot
log_path = /dev/stderr
ssl = required
ssl_cert = <{SHARED}/chain.pem
ssl_key = <{SHARED}/key.pem
auth_mechanisms = {mechanism}
hostname = far.example.com
submission_relay_host = 127.0.0.1
submission_relay_port = 2526
mail_location = maildir:/tmp/%u
service submission-login {{
  inet_listener submission {{
    port = {PORT}
  }}
}}
passdb {{
  {passdb}
}}
userdb {{
  driver = static
  args = uid=bob gid=bob home=/tmp
}}
"""
    passwords = "driver = passwd-file\n  args = scheme=PLAIN username_format=%u /etc/dovecot/users"
    tokens = ("driver = oauth2\n  mechanisms = xoauth2\n"
              "  args = /etc/dovecot/tokens")

    def start(self):
        mechanism = (SHARED / "mechanism").read_text()
        passdb = self.tokens if mechanism == "xoauth2" else self.passwords
        pathlib.Path("/etc/dovecot/users").write_text("me:{PLAIN}secret\n")
        pathlib.Path("/etc/dovecot/tokens").write_text(
            "introspection_mode = post\nintrospection_url = http://127.0.0.1:2580/\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n")
        path = pathlib.Path("/etc/dovecot/dovecot.conf")
        path.write_text(self.configuration.format(SHARED=SHARED, PORT=PORT, mechanism=mechanism,
                                                  passdb=passdb))
        self.process = subprocess.Popen(["dovecot", "-F", "-c", path], stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


PEERS = {"postfix": Postfix, "exim": Exim, "opensmtpd": OpenSmtpd, "dovecot": Dovecot}


def main():
    peer = PEERS[sys.argv[1]]()
    peer.start()
    sys.stdin.read()
    peer.stop()


if __name__ == "__main__":
    main()
