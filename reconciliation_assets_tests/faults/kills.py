"""Killing an action at each of its changes to the disk: a child counts them and dies just before the one it was given.

As a program it takes a name of ACTIONS, the action's argument and a step; it kills the action at every step-th change until
it gets through, and says how many kills there were. `{point}` in the argument and in RECON_DATA_DIR becomes the change's
number, so that every kill leaves its own folders.
"""

import os
import signal
import sys
from collections.abc import Callable
from ctypes import c_longlong
from functools import partial
from pathlib import Path

from reconciliation_assets.commands.backup import back_up, restore_backup
from reconciliation_assets.settings import load_settings

ACTIONS: dict[str, Callable[[str], object]] = {
    "backup": lambda to: back_up(load_settings(), Path(to)),
    "restore": lambda source: restore_backup(Path(source), load_settings()),
}
_CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.truncate", "shutil.copyfile", "sqlite3.connect"}


def die_at(changes: c_longlong, point: int | None) -> None:
    """Count this process's changes to the disk, and kill it just before number `point`, counted from 0; None for never."""

    def count(event: str, arguments: tuple[object, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in _CHANGES or is_write:
            if changes.value == point:
                os.kill(os.getpid(), signal.SIGKILL)
            changes.value += 1

    sys.addaudithook(count)


def killed_at(point: int, action: Callable[[], object]) -> bool:
    """Whether a child that carries out the action was killed just before its change number `point`, counted from 0."""
    child = os.fork()
    if not child:
        die_at(c_longlong(0), point)
        action()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert os.WEXITSTATUS(status) == 0, f"the action failed by itself at {point}"
    return False


if __name__ == "__main__":
    name, argument, step = sys.argv[1:]
    home, point = os.environ["RECON_DATA_DIR"], 0
    while True:
        os.environ["RECON_DATA_DIR"] = home.format(point=point)
        if not killed_at(point, partial(ACTIONS[name], argument.format(point=point))):
            break
        point += int(step)
    sys.stdout.write(str(point // int(step)))
