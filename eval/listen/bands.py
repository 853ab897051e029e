"""Bands whose beats, key and chords are known: lead sheets played by MMA grooves, rendered by FluidSynth.

SHARED/data/scores/band_renders holds MIDI files with the chords as markers; of them the works are used that were first
performed by 1930. Every other song is held out: `half(..., held=True)` gives one groove of each of those, the rest is
what `src/follow/mix/pulse.txt` is counted in:

    python eval/listen/bands.py SHARED FOLDER && cargo xtask eval pulse FOLDER

Some tempos sway, some bands are out of tune, some have the melody on top as sung (choir), some have none.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import soundfile

SCHEMA = "collavoce.analysis/1"
SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
NAMES = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
FLATS = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb", "Cb": "B", "Fb": "E", "B#": "C", "E#": "F"}
KINDS = {
    "major": "", "minor": ":min", "dominant": ":7", "major-seventh": ":maj7", "minor-seventh": ":min7",
    "diminished": ":dim", "augmented": ":aug", "half-diminished": ":hdim7", "diminished-seventh": ":dim7",
    "major-sixth": ":maj6", "minor-sixth": ":min6", "suspended-fourth": ":sus4", "dominant-ninth": ":9",
    "augmented-seventh": ":aug", "major-minor": ":minmaj7", "major-ninth": ":maj9", "minor-ninth": ":min9",
    "suspended-second": ":sus2", "dominant-13th": ":13", "power": ":5", "dominant-11th": ":11",
}  # fmt: skip
RATE = 44100
# Shares that tempos sway by, and cents that bands are out of tune by, in turn.
SWAYS = [0.0, 0.03, 0.05]
CENTS = [0, 0, 25, -35]
# FluidSynth's program of the sung melody, and how much louder it is than written.
CHOIR, LOUDER = 52, 1.25
# Songs that are held out at most.
MOST_HELD = 16


def half(shared, out, held):
    """Renders one half of the songs where they are missing; the paths of their recordings."""
    out.mkdir(parents=True, exist_ok=True)
    scores = shared / "data/scores"
    free = json.loads((scores / "openewld_le1930.json").read_text(encoding="utf-8"))
    free = {Path(work).name for work in free["first_performed_1930_or_earlier"]}
    with (scores / "band_renders/index.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    made = []
    for number, song in enumerate(sorted({row["file"][:3] for row in rows})):
        grooves = [row for row in rows if row["file"][:3] == song and Path(row["song"]).name in free]
        if not grooves or (number % 2 == 0) != held or (held and len(made) == MOST_HELD):
            continue
        if held:
            grooves = [grooves[number // 2 % len(grooves)]]
        for groove, row in enumerate(grooves):
            audio = out / f"band_{Path(row['file']).stem}.wav"
            if not audio.with_suffix(".json").exists():
                print(f"playing {audio.stem}", flush=True)
                play(scores / "band_renders" / row["file"], row, audio, number + 2 * groove)
            made.append(audio)
    return made


def play(midi, row, audio, number):
    """Renders a MIDI file and writes its truth beside it."""
    band, variant = pretty_midi.PrettyMIDI(str(midi)), number // 2
    end_s, beats, downbeats = band.get_end_time(), band.get_beats(), band.get_downbeats()
    markers = chord_markers(midi, band)
    sway, period_s = SWAYS[variant % 3], np.random.default_rng(number).uniform(8, 16)
    even = np.linspace(0, end_s + 5, 2000)
    swayed = even + sway * period_s / (2 * np.pi) * (1 - np.cos(2 * np.pi * even / period_s))
    sharper = 2 ** (CENTS[variant % 4] / 1200)
    played = lambda time_s: float(np.interp(time_s, even, swayed))
    melody = next((part for part in band.instruments if part.name == "MELODY"), None)
    if melody is not None and variant % 2:
        melody.program = CHOIR
        for note in melody.notes:
            note.velocity = min(127, int(note.velocity * LOUDER))
    elif melody is not None:
        band.instruments.remove(melody)
    for part in band.instruments:
        for note in part.notes:
            note.start, note.end = played(note.start), played(note.end)
        for change in part.control_changes + part.pitch_bends:
            change.time = played(change.time)
    render(band.instruments, played(end_s) * sharper + 1.5, int(round(RATE * sharper)), audio)
    heard = lambda time_s: played(time_s) / sharper
    per_bar = int(np.sum((beats >= downbeats[0] - 1e-3) & (beats < downbeats[1] - 1e-3)))
    of_bar = lambda beat: int(np.searchsorted(downbeats, beat + 1e-3)) - 1
    length = (downbeats[1] - downbeats[0]) / per_bar
    known = {
        "schema": SCHEMA,
        "id": audio.stem,
        "beats": [
            {"time_s": heard(beat), "beat": int(round((beat - downbeats[of_bar(beat)]) / length)) + 1}
            for beat in beats
            if beat < end_s - 0.05
        ],
        "chords": [
            {"start_s": heard(start), "end_s": heard(following), "label": label}
            for (start, label), (following, _) in zip(markers, [*markers[1:], (end_s, None)])
            if label and following > start
        ],
    }
    known["tempo"] = {"bpm": 60 / float(np.median(np.diff([beat["time_s"] for beat in known["beats"]])))}
    key = key_of(int(row["key_fifths"]), known["chords"])
    if key:
        known["key"] = {"label": key}
    audio.with_suffix(".json").write_text(json.dumps(known), encoding="utf-8")


def chord_markers(midi, band):
    """(seconds, chord in Harte's syntax or none) of every marker."""
    found = []
    for track in mido.MidiFile(midi).tracks:
        tick = 0
        for message in track if track.name == "CHORDS" else []:
            tick += message.time
            if message.type == "marker":
                root, _, kind = message.text.partition(":")
                root = root.replace("-", "b")
                kind = KINDS.get(kind.split("/")[0].split()[0] if kind else "")
                found.append((band.tick_to_time(tick), None if kind is None else FLATS.get(root, root) + kind))
    return found


def key_of(fifths, chords):
    """The key of a signature whose tonic chord is the last one; none where it is not."""
    tonic = fifths * 7 % 12
    root, _, kind = chords[-1]["label"].partition(":")
    if root == NAMES[tonic] and "min" not in kind:
        return f"{root} major"
    return f"{root} minor" if root == NAMES[(tonic + 9) % 12] else None


def render(parts, length_s, rate, audio):
    """Plays parts by FluidSynth; a rate beside the usual one makes the band sharp and fast by as much."""
    with tempfile.TemporaryDirectory() as folder:
        score = pretty_midi.PrettyMIDI(resolution=960)
        score.instruments = parts
        score.write(f"{folder}/band.mid")
        command = ["fluidsynth", "-ni", "-g", "0.5", "-r", str(RATE), "-F", f"{folder}/band.wav", SOUNDFONT]
        subprocess.run([*command, f"{folder}/band.mid"], check=True, capture_output=True)
        sound = soundfile.read(f"{folder}/band.wav", always_2d=True)[0].mean(axis=1)
    sound = sound[: int(length_s * RATE)]
    soundfile.write(audio, sound / np.abs(sound).max() * 0.8, rate, subtype="PCM_16")


if __name__ == "__main__":
    half(Path(sys.argv[1]), Path(sys.argv[2]), held=False)
