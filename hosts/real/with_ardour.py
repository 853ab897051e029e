"""Ardour without a screen, with the VST3: a session that captures, records, is saved and is opened again.

Proven, in real time on the dummy backend: the voice on a track is captured into the plugin; the four stems recorded on
four tracks are the command line's; the notes recorded on a MIDI track are those of song.mid; the session that is opened
again by another process holds the song and records the same; the host's tempo and metre reach the song where it leads.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import mido
import numpy as np
import soundfile

from common import STEMS, Checks, Given, db, difference_db, peak, read, shift_of

SCRIPTS = Path(__file__).resolve().parent
# Of a stem in 24 bit, half a step of which is -144 dB.
SAME_DB = -90.0
# The file of notes counts ticks, the recording Ardour's.
NOTE_MS = 2.0
# The melody in song.mid is what was sung; the plugin plays the band.
MELODY_CHANNEL = 3
TAIL_S = 3


class Ardour:
    """Ardour with a home folder of its own."""

    def __init__(self, given):
        self.folder = given.out / "ardour"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.home = self.folder / "home"
        self.session = self.folder / "session"
        bundle = self.home / ".vst3" / "Collavoce.vst3"
        # With the times of the files: Ardour takes a plugin that is newer than its scan for unknown.
        shutil.copytree(given.vst3, bundle)
        programs = sorted(path for path in Path("/usr/bin").glob("ardour*-lua"))
        if not programs:
            raise FileNotFoundError("ardour*-lua is missing")
        self.program = programs[-1]
        library = Path("/usr/lib") / self.program.name.removesuffix("-lua")
        environment = {"LD_LIBRARY_PATH": str(library)}
        self.call([library / "ardour-vst3-scanner", "-f", "-v", bundle], "scan", 120, environment)

    def call(self, command, log, limit_s, environment=None):
        """Runs a program; what it says goes to a log and is returned."""
        environment = {**os.environ, **(environment or {}), "HOME": str(self.home)}
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "DISPLAY"):
            environment.pop(name, None)
        path = self.folder / f"{log}.log"
        with path.open("wb") as file:
            ended = subprocess.run(
                [str(part) for part in command], env=environment, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, timeout=limit_s, check=False,
            )
        said = path.read_text(encoding="utf-8", errors="replace")
        if ended.returncode != 0:
            raise RuntimeError(f"{command[0]} failed ({ended.returncode}), see {path}:\n{said[-2000:]}")
        return said

    def run(self, script, limit_s, *arguments):
        """Runs a script with the session, and returns what it printed."""
        arguments = [self.session, SCRIPTS, *arguments]
        return self.call([self.program, SCRIPTS / script, *arguments], "-".join(map(str, arguments[2:]))[-40:] + "-" + script, limit_s)

    def recorded(self):
        """The files of all recordings."""
        return {path for kind in ("audiofiles/*.wav", "midifiles/*.mid") for path in self.session.glob(f"interchange/*/{kind}")}


def one(paths, text):
    """The one path with a text in its name."""
    found = [path for path in paths if text in path.name]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} recordings are named {text}, not one")
    return found[0]


def note_ons(path):
    """The beginnings of notes by channel and key: times in seconds and velocities."""
    notes, at = {}, 0.0
    for message in mido.MidiFile(path):
        at += message.time
        if message.type == "note_on" and message.velocity > 0 and message.channel != MELODY_CHANNEL:
            notes.setdefault((message.channel, message.note), []).append((at, message.velocity))
    return notes


def song_in(session):
    """What the plugin saved in a session: its parameters and its song."""
    chunk = re.search(r"<chunk>([^<]*)</chunk>", session.read_text(encoding="utf-8"))
    if chunk is None:
        raise ValueError(f"{session.name} holds no state of the plugin")
    state = base64.b64decode(chunk.group(1))
    state = json.loads(state[state.index(b"{") : state.rindex(b"}") + 1])
    packed = json.loads(state["fields"]["song"])
    return state["params"], json.loads(zlib.decompress(base64.b64decode(packed))) if packed else None


def put_voice(given, paths):
    """Puts the voice into what was recorded of it, which is silence and as long."""
    for side, name in enumerate(("%L", "%R")):
        path = one(paths, name)
        info = soundfile.info(path)
        sound = np.zeros(info.frames, np.float32)
        sound[: given.take.shape[1]] = given.take[side]
        soundfile.write(path, sound, info.samplerate, subtype=info.subtype, format=info.format)


def compare(checks, given, paths, begins, what):
    """What was recorded against what the command line wrote."""
    sounds = {}
    for name in STEMS:
        sides = [read(one(paths, f"{name.capitalize()}-1%{side}"))[0][0] for side in "LR"]
        found = sounds[name] = np.stack(sides)
        wanted = given.stem(name)
        lag, likeness = shift_of(found[:, begins:], wanted, given.rate // 10)
        difference = difference_db(found[:, begins + lag :], wanted) if lag >= 0 else 0.0
        checks.that(
            lag == 0 and difference < SAME_DB and peak(found) > 0.01,
            f"{what}: {name}.wav of the command line, peak {db(peak(found)):.1f} dB, {lag} samples late, "
            f"correlation {likeness:.6f}, largest difference {difference:.1f} dB",
        )
    found, wanted = note_ons(one(paths, "Notes")), note_ons(given.reference / "song.mid")
    count = sum(len(ons) for ons in wanted.values())
    keys = set(found) | set(wanted)
    missing = sum(abs(len(found.get(key, [])) - len(wanted.get(key, []))) for key in keys)
    pairs = [pair for key in keys for pair in zip(found.get(key, []), wanted.get(key, []))]
    shift = (begins - given.voice_starts) / given.rate
    apart = [1000 * abs(mine[0] - theirs[0] - shift) for mine, theirs in pairs]
    velocities = sum(mine[1] != theirs[1] for mine, theirs in pairs)
    checks.that(
        missing == 0 and count > 200 and velocities == 0 and max(apart) < NOTE_MS,
        f"{what}: {count} notes of song.mid, {missing} too few or many, {velocities} with another velocity, "
        f"at most {max(apart):.2f} ms apart",
    )
    return sounds


def said(text, name):
    """A figure that a script printed."""
    found = re.search(rf"^{name}\s+(\S+)", text, re.MULTILINE)
    return float(found.group(1)) if found else float("nan")


def body(checks):
    """Every check."""
    given = Given(__doc__)
    ardour = Ardour(given)
    length, begins = given.take.shape[1], 4 * given.rate
    seconds = length / given.rate
    text = ardour.run("ardour_prepare.lua", 120, given.rate, length, begins)
    outputs = re.search(r"^outputs\s+(\d+)\s+(\d+)", text, re.MULTILINE)
    checks.that(bool(outputs) and outputs.groups() == ("10", "1"), f"outputs, audio and MIDI: {outputs and outputs.groups()}")
    known = ardour.recorded()
    put_voice(given, known)
    recorded = {}
    for run in ("first", "again"):
        limit_s = 4 * seconds + 120
        text = ardour.run("ardour_run.lua", limit_s, given.rate, length, begins, run, TAIL_S)
        latency, xruns = said(text, "latency"), said(text, "xruns")
        checks.that(latency == 0 and said(text, "mode") == 1, f"{run} run: studio mode, latency {latency:.0f}, {xruns:.0f} xruns")
        what = "recorded" if run == "first" else "recorded after the session was opened again"
        recorded[run] = compare(checks, given, ardour.recorded() - known, begins, what)
        known = ardour.recorded()
    difference = max(difference_db(recorded["first"][name], recorded["again"][name]) for name in STEMS)
    checks.that(difference < SAME_DB, f"both recordings from their beginnings on: largest difference {difference:.1f} dB")
    parameters, song = song_in(ardour.session / "session.ardour")
    if song is None:
        checks.that(False, "the saved session holds no song")
        return
    settings = song["settings"]
    checks.that(
        parameters["mode"] == {"string": "studio"} and song["heard"]["duration_s"] >= seconds - 0.1,
        f"the saved session holds the song: {song['heard']['duration_s']} s heard, mode {parameters['mode']['string']}",
    )
    checks.that(
        (settings["lead"], settings["bpm"], settings["meter"]) == ("host", 100.0, "3/4"),
        f"the host leads with 100 in 3/4: the song is written for {settings['bpm']} in {settings['meter']}",
    )


if __name__ == "__main__":
    Checks("Ardour").run(body)
