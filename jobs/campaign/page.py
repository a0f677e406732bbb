"""The page of a campaign's finished steps: in this process, or in a new one."""

import multiprocessing
import os
import sys
from pathlib import Path

from jobs.local import record
from pipeline.core import campaign as campaigns
from pipeline.core.campaign import Campaign

MANY_PARTS = 5  # of a page, for which a new process, which starts in a second, is worth it


def draw_page(campaign: Campaign, folder: Path) -> Path:
    """Write the page of ``campaign``; one of many parts in a new process, where copies of this one, which has threads, are not safe."""
    from jobs.local.fork import may_fork

    if len(campaign.steps) >= MANY_PARTS and not may_fork() and "matplotlib" not in sys.modules and len(os.sched_getaffinity(0)) > 1:
        new = multiprocessing.get_context("spawn").Process(target=_write_page_there, args=(campaign, folder))
        new.start()
        new.join()
        if new.exitcode == 0:
            return folder / campaigns.REPORT
    return write_page(campaign, folder)


def _write_page_there(campaign: Campaign, folder: Path) -> None:
    """Write the page, silently: the process that waits meets the same error in turn."""
    try:
        write_page(campaign, folder)
    except Exception:
        sys.exit(1)


def write_page(campaign: Campaign, folder: Path) -> Path:
    """Write the page of the finished steps of ``campaign``; returns its path."""
    from jobs.local.fork import may_fork
    from pipeline.report.page import write_report
    from solvers.core.figures import part_of

    there = tuple(step for step in campaign.steps if record.has_result(step, folder))
    cores = len(os.sched_getaffinity(0)) if may_fork() else 1
    return write_report(Campaign(campaign.title, there), folder, part_of, cores)
