"""cloud-init's first two stages, by one process.

    stages.py local      runs the first, and the second when it is asked for
    stages.py network    asks for the second

A stage by itself loads cloud-init anew, which takes three times as long as what it then does. Here `local` loads it
once and forks a child for each stage, so that the two have nothing in common but files, as ever. cloud-init does the
like by itself from 24.3 on.

`local` is the process of cloud-init-local.service (Type=notify): it runs `cloud-init init --local`, says that it is
over, then waits for the other stage and runs that too. `network` is the process of cloud-init.service: it lends its
stdout and stderr, and ends as the stage ends.

Where that cannot be (a part is missing, a process has ended), a stage is run as its package would: by PLAIN.
"""

# ruff: noqa: PTH103, PTH108, PTH110, PTH120
# `network` is on every machine's way to being ready: it loads no more than it needs, so no pathlib.

import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

PLAIN = "/usr/bin/cloud-init"
PLACE = "/run/cloud-init/bakewell-stages.sock"
PATIENCE = 900.0  # seconds that `local` waits for the network to be up and the other stage to begin
STAGES = {"local": ["init", "--local"], "network": ["init"]}


def local() -> int:
    """Run the first stage, and the other one when it is asked for; the first one's exit status."""
    notify = os.environ.pop("NOTIFY_SOCKET", "")
    try:
        from cloudinit.cmd.main import main
    except ImportError as error:
        print(f"{error}: each stage runs by itself", file=sys.stderr)
        status = os.spawnv(os.P_WAIT, PLAIN, [PLAIN, *STAGES["local"]]) & 0xFF
        if status == 0:
            over(notify)
        return status
    with socket.socket(socket.AF_UNIX) as place:
        if os.path.exists(PLACE):
            os.unlink(PLACE)
        os.makedirs(os.path.dirname(PLACE), exist_ok=True)
        place.bind(PLACE)
        place.listen(1)
        status = forked(main, "local", (1, 2))
        if status != 0:
            return status
        over(notify)
        place.settimeout(PATIENCE)
        try:
            other, _ = place.accept()
        except TimeoutError:
            return 0
        with other:
            _, outputs, _, _ = socket.recv_fds(other, 1, 2)
            other.sendall(bytes([forked(main, "network", outputs)]))
    return 0


def network() -> int:
    """Have the other stage run by the process that has cloud-init loaded; its exit status."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(PLACE)
            os.unlink(PLACE)  # it can be asked once
            socket.send_fds(other, [b"."], [1, 2])
            answer = other.recv(1)
        except OSError as error:
            print(f"{error}: this stage runs by itself", file=sys.stderr)
    return answer[0] if answer else os.spawnv(os.P_WAIT, PLAIN, [PLAIN, *STAGES["network"]]) & 0xFF


def forked(main: Callable[[list[str]], Any], stage: str, outputs: Sequence[int]) -> int:
    """Run a stage in a child with these descriptors as stdout and stderr; its exit status."""
    child = os.fork()
    if child:
        # A signal's number counts as negative, and so as a failure.
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF
    status = 1
    try:
        for number, output in zip((1, 2), outputs, strict=True):
            os.dup2(output, number)
        sys.argv = [PLAIN, *STAGES[stage]]
        sys.exit(main([*sys.argv]))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status & 0xFF)


def over(notify: str) -> None:
    """Tell systemd that the stage is over: what comes after it may begin."""
    if notify:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.connect("\0" + notify[1:] if notify.startswith("@") else notify)
            systemd.sendall(b"READY=1")


if __name__ == "__main__":
    sys.exit({"local": local, "network": network}[sys.argv[1]]())
