"""What the figures were measured on, and how much memory a process holds."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from core import clock


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the command of one run."""

    date: str
    cpu: str
    cores: int
    python: str
    command: str
    load: float


def machine(command: str) -> Machine:
    """This machine, now. `load` is the one-minute load before the run: above 0.5 somebody else was working."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(clock.today().isoformat(), _cpu(), cores, platform.python_version(), command, round(load, 2))


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def resident(pid: int) -> float | None:
    """Megabytes of memory a process holds (RSS); None where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return None
    line = next((one for one in status.splitlines() if one.startswith("VmRSS")), "")
    return int(line.split()[1]) / 1024 if line else None


def processor_seconds(pid: int) -> float:
    """Seconds of processor a process has used, user and system; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """All processes below a process, the nearest first; empty where the system does not say."""
    try:
        direct = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return direct + [below for child in direct for below in children(child)]
