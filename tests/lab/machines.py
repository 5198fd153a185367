"""Machines of the lab: a network namespace each, on one wire, with a root of its own laid over the host's."""
import os
import pathlib
import subprocess
import time

DNS = "192.0.2.53"


class LabError(Exception):
    """Something the lab stands on did not come up."""


def run(*command, **options):
    """Runs to its end; an exit code other than 0 ends the lab with what was said."""
    done = subprocess.run(command, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}")
    return done.stdout


def wait_until(what, test, seconds=60.0):
    """Polls `test` until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        result = test()
        if result:
            return result
        if time.monotonic() > end:
            raise LabError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)


class Network:
    """One wire: a bridge in a namespace of its own. Every machine reaches every address directly, whatever its number."""

    def __init__(self):
        os.makedirs("/run/netns", exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")  # ours alone, gone with us
        run("ip", "netns", "add", "wire")
        run("ip", "-n", "wire", "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", "wire", "link", "set", "bridge", "up")

    def plug(self, name, addresses):
        run("ip", "netns", "add", name)
        run("ip", "-n", "wire", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "-n", "wire", "link", "set", name, "master", "bridge", "up")
        for device in ("lo", "eth0"):
            run("ip", "-n", name, "link", "set", device, "up")
        for address in addresses:
            run("ip", "-n", name, "address", "add", f"{address}/32", "dev", "eth0")
        run("ip", "-n", name, "route", "add", "default", "dev", "eth0", "src", addresses[0])


class Roots:
    """Where the machines' roots are laid: a tmpfs, since no layer of an overlay may lie inside another, and the host's root is one."""

    def __init__(self, folder, layer):
        self.folder, self.layer = folder, folder / "layer"
        folder.mkdir()
        run("mount", "-t", "tmpfs", "tmpfs", folder)
        run("cp", "-a", layer, self.layer)

    def lay(self, name):
        parts = {part: self.folder / name / part for part in ("upper", "work", "root")}
        for part in parts.values():
            part.mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.layer}:/,upperdir={parts['upper']},workdir={parts['work']}", parts["root"])
        root = parts["root"]
        for part in ("tmp", "run", "var/log", "var/tmp"):
            run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / part)
        run("mount", "--rbind", "/dev", root / "dev")
        run("mount", "-t", "proc", "proc", root / "proc")
        return root


class Machine:
    """A host in the lab: commands run in its namespace and under its root, where packages are unpacked over the host's files."""

    def __init__(self, network, roots, name, addresses):
        self.name = name
        self.root = roots.lay(name)
        network.plug(name, addresses)
        self.write("/etc/resolv.conf", f"nameserver {DNS}\noptions timeout:2 attempts:2\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
        self.write("/etc/hostname", f"{name}\n")
        self._add_users()

    def _add_users(self):
        passwd, group = self.read("/etc/passwd"), self.read("/etc/group")
        for number, name in enumerate(("postfix", "postdrop", "nsd", "opendkim", "inbox", "Debian-exim", "opensmtpd", "opensmtpq"), 60101):
            if f"\n{name}:" not in group:
                group += f"{name}:x:{number}:\n"
            if f"\n{name}:" not in passwd:
                passwd += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        self.write("/etc/passwd", passwd)
        self.write("/etc/group", group)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def write(self, inside, text):
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)

    def read(self, inside):
        """A file's text; empty when there is none yet."""
        try:
            return self.path(inside).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, "chroot", str(self.root), *command]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def spawn(self, log, *command):
        """Starts a program that stays in the foreground; what it says goes to the log."""
        with open(log, "ab") as out:
            return subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def write(path, text):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text)
