"""The tests' own SLURM with accounts: a MariaDB and a slurmdbd beside the daemons, so that `sacct` knows what the controller forgets."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import daemons
from waiting import until

DATABASE = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage}
StorageUser=slurm
StoragePass={password}
StorageLoc=accounts
"""
CONTROLLER = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
"""  # what is called a pass is where munged listens


def missing() -> str:
    """Programs or rights that are missing to start the accounts here; empty where none is."""
    names = [name for name in ("slurmdbd", "mariadbd", "mariadb", "mariadb-install-db") if not shutil.which(name, path=daemons.PATH)]
    return ", ".join(names) or daemons.missing() or ("" if os.getuid() == 0 else "root, as whom they run")


def start(folder: Path, forgets: int) -> dict[str, str]:
    """Start SLURM with accounts in ``folder``; the controller forgets a job ``forgets`` seconds after its end. Returns the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    port, storage, password = daemons.free_port(), daemons.free_port(), secrets.token_hex(16)
    path = folder / "slurmdbd.conf"
    path.touch(mode=0o600)
    path.write_text(DATABASE.format(folder=folder, port=port, storage=storage, password=password))
    _database(folder, storage, password)
    return daemons.start(folder, forgets=forgets, more=CONTROLLER.format(folder=folder, port=port), before=_accounts)


def _database(folder: Path, port: int, password: str) -> None:
    """A MariaDB on ``port`` of this machine, whose user slurm has a database."""
    place, socket = folder / "database", folder / "database.socket"
    words = ["--no-defaults", "--user=root", f"--datadir={place}"]
    subprocess.run(["mariadb-install-db", *words, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    own = [f"--socket={socket}", f"--pid-file={folder}/database.pid", "--bind-address=127.0.0.1", f"--port={port}"]
    with (folder / "database.log").open("w") as log:
        subprocess.Popen([shutil.which("mariadbd", path=daemons.PATH), *words, *own], stdout=log, stderr=log, start_new_session=True)
    client = ["mariadb", "--no-defaults", "--user=root", f"--socket={socket}"]
    until(lambda: subprocess.run([*client, "--execute=select 1"], capture_output=True, check=False).returncode == 0, 60.0)
    made = (
        f"create database accounts; create user slurm@'127.0.0.1' identified by '{password}'; grant all on accounts.* to slurm@'127.0.0.1'"
    )
    subprocess.run([*client, f"--execute={made}"], check=True, capture_output=True)


def _accounts(environment: Mapping[str, str]) -> None:
    """A slurmdbd that knows the cluster."""
    subprocess.run(["slurmdbd"], env=environment, check=True, capture_output=True, timeout=60)
    add = ["sacctmgr", "--immediate", "add", "cluster", daemons.CLUSTER]
    until(lambda: subprocess.run(add, env=environment, capture_output=True, check=False).returncode == 0, 60.0, every=1.0)


def stop(folder: Path) -> None:
    """End all that was started in ``folder``."""
    daemons.stop(folder)
    for name in ("slurmdbd", "database"):
        daemons.end(folder / f"{name}.pid")
