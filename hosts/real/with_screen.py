"""The editor on a screen without a desktop: embedded in DawDreamer, and as the standalone application.

Proven: both windows open under Xvfb with a window manager, are drawn, and are drawn anew after they were resized. The
pictures lie in the output folder, to be looked at. Runs after with_dawdreamer.py, which leaves a state with a song.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from common import Checks, Given

SIZE = "1600x1000x24"
# A picture that is drawn has text and lines in many colours; a blank one has one.
COLOURS = 100
STANDALONE = "COLLAVOCE_STANDALONE"
EDITOR = "--editor"
MANAGER = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]


@contextlib.contextmanager
def running(command, log, **others):
    """A program that runs in the meantime; what it says goes to a log."""
    with log.open("wb") as file:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, **others)
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


@contextlib.contextmanager
def screen(out):
    """A screen with a window manager; yields the environment for programs on it."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp", "+extension", "GLX"]
    with running(command, out / "xvfb.log", pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start, see {out / 'xvfb.log'}")
        environment = {**os.environ, "DISPLAY": f":{number}", "LIBGL_ALWAYS_SOFTWARE": "1"}
        with running(["openbox"], out / "openbox.log", env=environment):
            # A host that comes before the window manager ends with an X error.
            wait(20, "a window manager", lambda: "window id" in output(MANAGER, environment))
            yield environment


def output(command, environment):
    """What a program prints, or nothing if it fails."""
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return ended.stdout.strip() if ended.returncode == 0 else ""


def wait(limit_s, what, found):
    """Waits until something is found, and returns it."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        value = found()
        if value:
            return value
        time.sleep(0.5)
    raise TimeoutError(f"waited {limit_s} s for {what} in vain")


def window_of(name, environment):
    """The number of the visible window with a name."""
    command = ["xdotool", "search", "--onlyvisible", "--name", name]
    return wait(40, f"the window {name}", lambda: output(command, environment).split())[-1]


def picture(checks, environment, path, what, window="root"):
    """Takes a picture and checks that there is something on it."""
    subprocess.run(["import", "-window", window, str(path)], env=environment, check=True, timeout=60)
    figures = output(["identify", "-format", "%w %h %k %[standard-deviation]", str(path)], environment).split()
    width, height, colours, spread = int(figures[0]), int(figures[1]), int(figures[2]), float(figures[3])
    checks.that(colours > COLOURS, f"{what}: {width} x {height}, {colours} colours, spread {spread:.0f}, {path.name}")


def views(checks, given, environment, program, kind, title):
    """Pictures of a window as it opens and after it was resized."""
    window = window_of(title, environment)
    time.sleep(6)
    picture(checks, environment, given.out / f"{kind}.png", kind, window)
    subprocess.run(["xdotool", "windowsize", "--sync", window, "1400", "900"], env=environment, check=False, timeout=20)
    time.sleep(4)
    picture(checks, environment, given.out / f"{kind}-large.png", f"{kind}, resized", window)
    checks.that(program.poll() is None, f"{kind}: the program still runs")


def open_editor(vst3, state):
    """The program with the embedded editor: opens it and stays until it is ended."""
    import dawdreamer

    # The plugin lives as long as its engine.
    engine = dawdreamer.RenderEngine(48_000, 512)
    plugin = engine.make_plugin_processor("collavoce", vst3)
    engine.load_graph([(plugin, [])])
    plugin.load_state(state)
    plugin.open_editor()


def body(checks):
    """Every check."""
    given = Given(__doc__)
    standalone = os.environ.get(STANDALONE)
    if not standalone:
        raise RuntimeError(f"{STANDALONE} does not name the standalone application")
    with screen(given.out) as environment:
        state = given.out / "dawdreamer.state"
        editor = [sys.executable, str(Path(__file__).resolve()), EDITOR, given.vst3, str(state)]
        with running(editor, given.out / "editor.log", env=environment) as program:
            views(checks, given, environment, program, "editor", "collavoce")
        application = [standalone, "--backend", "dummy", "--tempo", "97"]
        with running(application, given.out / "standalone.log", env=environment) as program:
            views(checks, given, environment, program, "standalone", "Collavoce")


if __name__ == "__main__":
    if sys.argv[1:2] == [EDITOR]:
        open_editor(*sys.argv[2:4])
    else:
        Checks("screen").run(body)
