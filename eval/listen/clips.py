"""The clips that are measured, and what is known about each.

- `vocadito_1`: real singing; F0 corrected by hand, notes by two annotators.
- `choir`: two choristers; their F0 is a network's (the files carry its confidence), counted as voiced from 0.5.
- `clean`, `snr10`, `reverb`: every voice of the folder, sung again by WORLD with the F0 that is the truth; as it is,
  under pink noise 10 dB below, in a room of 0.5 s.
- `demo`: what `collavoce demo` sings, which knows itself: beats, notes, key, chords, phrases.
- `mix`: the same under a band on its own beats, as loud as the voice (FluidSynth).
- `band`: lead sheets played by other bands with sevenths, inversions and, in half of them, a sung melody (bands.py);
  the songs that nothing was counted in or tuned on.
- `noise`: no voice at all for twelve seconds; after them the demonstration sings, so that there is something to analyse.
  What is heard in the first twelve seconds is counted; so it is in a choir's recordings before its score begins, where
  somebody may speak.

Live mode says that a take is too short where it could not begin to play: a controlled clip under 16 s is followed by
silence.

What is made lies under the folder that is given and is used again if it is there.
"""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import bands
import numpy as np
import soundfile

SCHEMA = "collavoce.analysis/1"
SETS = ["vocadito_1", "choir", "clean", "snr10", "reverb", "demo", "mix", "band", "noise"]
# A network's confidence from which a frame of the choristers is taken for voiced.
CONFIDENT = 0.5
# What the demonstration sings: its name, its options.
DEMOS = {
    "demo": [],
    "demo_sway": ["--sway"],
    "demo_low_slow": ["--sway", "--transpose", "-5", "--tempo-scale", "0.8", "--seed", "2"],
    "demo_high_fast": ["--transpose", "4", "--tempo-scale", "1.25", "--seed", "3"],
}
# Seconds without a voice, and how much of their end is not counted because the voice's first frames reach back or a
# singer is early.
NOISE_S, NOISE_MARGIN_S = 12.0, 0.2
SHORT_S, SILENCE_S = 16.0, 8.0
FLUIDSYNTH = "apt-get install --yes --no-install-recommends fluidsynth timgm6mb-soundfont"
SOUNDFONT = bands.SOUNDFONT
# What is known of a mix beyond the voice in it.
BAND = ("schema", "id", "beats", "tempo", "key", "chords")
FLATS = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}


@dataclass
class Clip:
    """A recording and its truth."""

    name: str
    group: str
    audio: Path
    truth: dict
    # Seconds until somebody sings, where that is known and long.
    quiet_s: float = 0.0
    # Other annotators' notes and onsets.
    others: list = field(default_factory=list)


def voices(shared):
    """Every recording of one voice, by name."""
    folder = shared / "data/audio"
    found = [*folder.glob("vocadito_*.wav"), *folder.glob("torchcrepe_test.wav"), *folder.glob("csd/*.flac")]
    return {path.stem: path for path in sorted(found)}


def all_clips(shared, out, collavoce):
    """Every clip, and what had to be left out and why."""
    clips, left_out = [], []
    clips += vocadito(shared)
    clips += choir(shared)
    clips += controlled(shared, out / "controlled")
    demos = [demo(name, options, out / "demo", collavoce) for name, options in DEMOS.items()]
    clips += demos
    if shutil.which("fluidsynth") and SOUNDFONT.exists():
        clips += [mix(shared, clip, out / "mix") for clip in demos]
        clips += band(shared, out / "band", left_out)
    else:
        left_out.append(f"mix: FluidSynth or its sound font is missing; install them with\n  {FLUIDSYNTH}")
    clips += noises(out / "noise", demos[0])
    clips += openings(shared)
    return clips, left_out


def notes_of(path):
    """An annotator's notes and onsets."""
    rows = [[float(value) for value in row] for row in csv.reader(path.open(encoding="utf-8")) if row]
    notes = [
        {"onset_s": onset, "offset_s": onset + length, "midi": 69 + 12 * float(np.log2(hz / 440))}
        for onset, hz, length in rows
    ]
    return {"notes": notes, "onsets": [{"time_s": note["onset_s"]} for note in notes]}


def vocadito(shared):
    """The singer whose F0 and notes were written down by people."""
    truth = json.loads((shared / "kit/truth/vocadito_1.json").read_text(encoding="utf-8"))
    folder = shared / "data/audio"
    first, second = (notes_of(folder / f"vocadito_1_notes{name}.csv") for name in ("A1", "A2"))
    return [Clip("vocadito_1", "vocadito_1", folder / "vocadito_1.wav", {**truth, **first}, others=[second])]


def choir(shared):
    """The choristers whose F0 comes with them."""
    clips = []
    for path in sorted((shared / "data/audio/csd").glob("nino_*.f0.csv")):
        rows = np.array([[float(v) for v in row] for row in list(csv.reader(path.open(encoding="utf-8")))[1:]])
        audio = path.with_name(path.name.replace(".f0.csv", ".flac"))
        times, hop = rows[:, 0], float(np.median(np.diff(rows[:, 0])))
        length = soundfile.info(audio).duration
        if np.abs(np.diff(times) - hop).max() > 1e-6 or abs(times[-1] + hop - length) > 0.1:
            sys.exit(f"{path}: its times do not go with a recording of {length:.3f} s")
        hz = np.where(rows[:, 2] >= CONFIDENT, rows[:, 1], 0.0)
        pitch = {"t0_s": float(times[0]), "hop_s": hop, "hz": [float(value) for value in hz]}
        clips.append(Clip(audio.stem, "choir", audio, {"schema": SCHEMA, "pitch": pitch}))
    return clips


def openings(shared):
    """The choir's recordings, for what is heard before they sing."""
    folder = shared / "data/audio/csd"
    score = csv.reader((folder / "Nino_Dios_SATB_score_f0.csv").open(encoding="utf-8"))
    begins_s = next(float(row[0]) for row in list(score)[1:] if any(row[1:])) / 1000
    return [
        Clip(path.stem, "noise", path, {"schema": SCHEMA}, begins_s) for path in sorted(folder.glob("*.flac"))
    ]


def controlled(shared, out):
    """Every voice with the exact F0, by kit/make_controlled.py."""
    audio, truth = out / "audio", out / "truth"
    audio.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    clips = []
    for name, path in voices(shared).items():
        if not (truth / f"{name}_reverb.json").exists():
            print(f"singing {name} again by WORLD", flush=True)
            maker = shared / "kit/make_controlled.py"
            command = [sys.executable, maker, audio, truth, f"{path}:{name}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            lengthen(audio.glob(f"{name}_*.wav"))
        for group in ("clean", "snr10", "reverb"):
            made = f"{name}_{group}"
            known = json.loads((truth / f"{made}.json").read_text(encoding="utf-8"))
            clips.append(Clip(made, group, audio / f"{made}.wav", known))
    return clips


def lengthen(paths):
    """Adds silence to short recordings."""
    for path in paths:
        sound, rate = soundfile.read(path)
        if len(sound) < SHORT_S * rate:
            soundfile.write(path, np.concatenate([sound, np.zeros(int(SILENCE_S * rate))]), rate, subtype="PCM_16")


def demo(name, options, out, collavoce):
    """What the program sings itself."""
    out.mkdir(parents=True, exist_ok=True)
    audio, truth = out / f"{name}.wav", out / f"{name}.json"
    if not (audio.exists() and truth.exists()):
        print(f"singing {name}", flush=True)
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([collavoce, "demo", "--quiet", *options, "--out", folder], check=True)
        shutil.move(folder / "voice.wav", audio)
        sung = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        truth.write_text(json.dumps(as_analysis(name, sung)), encoding="utf-8")
        shutil.rmtree(folder)
    return Clip(name, "demo", audio, json.loads(truth.read_text(encoding="utf-8")))


def as_analysis(name, sung):
    """The singing synthesiser's truth in the form of an analysis."""
    beats, downbeats = sung["beats_s"], sung["downbeats"]
    per_bar = int(sung["meter"].split("/")[0])
    first = downbeats[0] if downbeats else 0
    tonic, mode = sung["key"].split()
    chords = [
        {"start_s": chord["start_s"], "end_s": following["start_s"], "label": harte(chord["name"])}
        for chord, following in zip(sung["chords"], [*sung["chords"][1:], {"start_s": sung["duration_s"]}])
    ]
    return {
        "schema": SCHEMA,
        "id": name,
        "pitch": {"t0_s": 0.0, "hop_s": 0.01, "hz": [point["hz"] for point in sung["f0"]]},
        "notes": [{key: note[key] for key in ("onset_s", "offset_s", "midi")} for note in sung["notes"]],
        "onsets": [{"time_s": note["onset_s"]} for note in sung["notes"]],
        "beats": [{"time_s": time, "beat": (i - first) % per_bar + 1} for i, time in enumerate(beats)],
        "tempo": {"bpm": 60 / float(np.median(np.diff(beats)))},
        "key": {"label": f"{FLATS.get(tonic, tonic)} {mode}"},
        "chords": chords,
        "phrases": sung["phrases"],
        "breaths": sung["breaths"],
    }


def harte(name):
    """A chord symbol in Harte's syntax, with flats."""
    root = name[:2] if name[1:2] in ("#", "b") else name[:1]
    kinds = {"": "", "m": ":min", "7": ":7", "m7": ":min7", "maj7": ":maj7", "sus4": ":sus4", "dim": ":dim"}
    kind = name[len(root) :].split("/")[0]
    if kind not in kinds:
        sys.exit(f"the chord {name} of the demonstration is not known here")
    return FLATS.get(root, root) + kinds[kind]


def mix(shared, clip, out):
    """A sung clip under a band, by kit/make_mix.py."""
    out.mkdir(parents=True, exist_ok=True)
    audio, truth = out / f"{clip.name}_mix.wav", out / f"{clip.name}.json"
    if not audio.exists():
        print(f"mixing {clip.name}", flush=True)
        truth.write_text(json.dumps(clip.truth), encoding="utf-8")
        maker = shared / "kit/make_mix.py"
        subprocess.run([sys.executable, maker, truth, clip.audio, audio, SOUNDFONT, "0"], check=True)
    return Clip(audio.stem, "mix", audio, {part: clip.truth[part] for part in BAND})


def band(shared, out, left_out):
    """Bands without us."""
    if not (shared / "data/scores/band_renders").exists():
        left_out.append("band: data/scores/band_renders is missing")
        return []
    paths = bands.half(shared, out, held=True)
    return [Clip(path.stem, "band", path, json.loads(path.with_suffix(".json").read_text("utf-8"))) for path in paths]


def noises(out, sung):
    """Sounds without a voice, then a voice."""
    out.mkdir(parents=True, exist_ok=True)
    clips = []
    for name, make in NOISES.items():
        audio = out / f"{name}.wav"
        if not audio.exists():
            voice, rate = soundfile.read(sung.audio)
            rng = np.random.default_rng(sum(map(ord, name)))
            sound = make(int(NOISE_S * rate), rate, rng)
            soundfile.write(audio, np.concatenate([sound, voice]), rate, subtype="PCM_16")
        clips.append(Clip(name, "noise", audio, {"schema": SCHEMA}, NOISE_S))
    return clips


def coloured(length, rate, rng, slope, db):
    """Noise whose power falls with frequency to the given power, at an RMS level in dBFS."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.maximum(np.fft.rfftfreq(length, 1 / rate), 20.0)
    sound = np.fft.irfft(spectrum * hz ** (-slope / 2), length)
    return sound / sound.std() * 10 ** (db / 20)


def bursts(length, rate, rng, per_second, attack_s, decay_s, band, db):
    """Strokes of noise in a band that rise and die away, at irregular times, over a quiet room."""
    sound = coloured(length, rate, rng, 1.0, -66.0)
    time = 0.3
    while (start := int(time * rate)) < length:
        at = np.arange(min(int((attack_s + 6 * decay_s) * rate), length - start)) / rate
        centre = rng.uniform(*band)
        stroke = rng.standard_normal(len(at))
        spectrum = np.fft.rfft(stroke)
        hz = np.fft.rfftfreq(len(stroke), 1 / rate)
        stroke = np.fft.irfft(spectrum / (1 + ((hz - centre) / (0.4 * centre)) ** 2), len(stroke))
        shape = np.where(at < attack_s, at / max(attack_s, 1e-9), np.exp(-(at - attack_s) / decay_s))
        sound[start : start + len(at)] += stroke / stroke.std() * shape * 10 ** (db / 20)
        time += rng.uniform(0.6, 1.4) / per_second
    return np.clip(sound, -0.99, 0.99)


NOISES = {
    "silence": lambda length, _rate, _rng: np.zeros(length),
    "room_-66_dB": lambda length, rate, rng: coloured(length, rate, rng, 1.0, -66.0),
    "white_-30_dB": lambda length, rate, rng: coloured(length, rate, rng, 0.0, -30.0),
    "pink_-20_dB": lambda length, rate, rng: coloured(length, rate, rng, 1.0, -20.0),
    "brown_-20_dB": lambda length, rate, rng: coloured(length, rate, rng, 2.0, -20.0),
    "clapping": lambda length, rate, rng: bursts(length, rate, rng, 2.0, 0.001, 0.02, (900.0, 2200.0), -14.0),
    "breaths": lambda length, rate, rng: bursts(length, rate, rng, 0.7, 0.15, 0.12, (1200.0, 3000.0), -36.0),
}
