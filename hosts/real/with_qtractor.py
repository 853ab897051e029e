"""Qtractor's scanner with the CLAP: a host in C++ with its own reading of the format loads it.

Proven: the plugin is found, created and described: main input and output, notes in and out, parameters, editor.
Qtractor itself wants an ALSA sequencer in the kernel to start its engine, so it is not run.
"""

import os
import subprocess
from pathlib import Path

from common import Checks, Given

SCANNER = "*/qtractor/qtractor_plugin_scan"


def body(checks):
    """Every check."""
    given = Given(__doc__)
    scanners = sorted(Path("/usr/lib").glob(SCANNER)) + sorted(Path("/usr/lib").glob(SCANNER.removeprefix("*/")))
    if not scanners:
        raise FileNotFoundError("qtractor_plugin_scan is missing")
    bundle = str(Path(given.vst3).with_suffix(".clap"))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(given.out)}
    ended = subprocess.run(
        [str(scanners[0])], input=f"CLAP:{bundle}\n", env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )
    fields = ended.stdout.strip().split("|")
    if ended.returncode != 0 or len(fields) < 6:
        raise RuntimeError(f"the scanner says {ended.stdout!r} {ended.stderr!r} ({ended.returncode})")
    kind, name, audio, midi, controls, flags = fields[:6]
    checks.that((kind, name) == ("CLAP", "Collavoce"), f"it finds {name} as {kind}")
    checks.that(
        audio == "2:2" and midi == "1:1" and controls.startswith("53:") and "GUI" in flags.split(","),
        f"main audio {audio}, notes {midi}, parameters {controls}, {flags}",
    )


if __name__ == "__main__":
    Checks("Qtractor").run(body)
