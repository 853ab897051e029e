"""Runs the program and its peers on clips; each leaves an analysis a clip.

Ours are run anew every time. A peer is run through kit/peers.py, in an environment of its own, once a clip: what it
left is used again.
"""

import json
import resource
import shutil
import subprocess
import time
from pathlib import Path

import soundfile

HERE = Path(__file__).resolve().parent
MODES = ["live", "studio"]
DEFAULT = "nsdf"
METHODS = [DEFAULT, "net", "mcleod", "yinfft", "yinfast"]
# Sets on which the other pitch trackers are run.
PITCH_SETS = ["vocadito_1", "choir", "clean", "snr10", "reverb"]
# Sets that are heard as a mix.
MIXES = ["mix", "band"]
# What a peer is measured on, and the environment that it needs.
PITCH, SUNG, SONG = PITCH_SETS, ["vocadito_1", "demo"], ["demo", "mix", "band"]
PEERS = {
    "swift_f0": (PITCH, "peers"),
    "swift_f0_look2": (PITCH, "peers"),
    "praat_ac": (PITCH, "peers"),
    "essentia_yinfft": (PITCH, "peers"),
    "aubio_yinfft_2048": (PITCH, "peers"),
    "aubio_yinfast_1024": (PITCH, "peers"),
    "librosa_pyin": (PITCH, "peers"),
    "aubio_onset_energy": (SUNG, "peers"),
    "aubio_onset_hfc": (SUNG, "peers"),
    "librosa_onset": (SUNG, "peers"),
    "basic_pitch": (SUNG, "basic-pitch"),
    "librosa_beat": (SONG, "peers"),
    "aubio_tempo": (SONG, "peers"),
    "essentia_beat_multifeature": (SONG, "peers"),
    "essentia_key_edma": (SONG, "peers"),
    "librosa_chroma_ks": (SONG, "peers"),
    "librosa_chord_template": (SONG, "peers"),
    "essentia_chords": (SONG, "peers"),
}
MORE_PEERS = {
    "torchcrepe_tiny": (PITCH, "torch"),
    "pesto": (PITCH, "torch"),
    "world_harvest": (PITCH, "torch"),
    "world_dio": (PITCH, "torch"),
    "librosa_yin": (PITCH, "peers"),
    "essentia_melodia": (PITCH, "peers"),
    "aubio_onset_complex": (SUNG, "peers"),
    "essentia_onset": (SUNG, "peers"),
    "madmom_onset_cnn": (SUNG, "madmom"),
    "madmom_dbn": (SONG, "madmom"),
    "madmom_dbn_online": (SONG, "madmom"),
    "madmom_downbeat": (SONG, "madmom"),
    "madmom_key": (SONG, "madmom"),
    "madmom_chord_deepchroma": (SONG, "madmom"),
}


def analyse(collavoce, clip, mode, method, out):
    """Our analysis of a clip, with the CPU time it took; or why there is none."""
    folder = out / f"{mode}-{method}"
    folder.mkdir(parents=True, exist_ok=True)
    command = [collavoce, "analyze", "--json", "--mode", mode, "--pitch", method]
    command += ["--source", "mix" if clip.group in MIXES else "voice", clip.audio]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        return None, said[-1] if said else f"exit status {done.returncode}"
    heard = json.loads(done.stdout)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    heard["speed"] = {"audio_s": soundfile.info(clip.audio).duration, "cpu_s": cpu_s}
    (folder / f"{clip.name}.json").write_text(json.dumps(heard), encoding="utf-8")
    return heard, None


class Peers:
    """Other people's tools."""

    def __init__(self, shared, out, wanted):
        self.kit, self.out, self.wanted = shared / "kit", out, wanted
        self.pythons, self.problems = {}, []

    def run(self, name, clips):
        """A peer's analyses of the clips that it is measured on, by the clips' names."""
        groups, environment = self.wanted[name]
        clips = [clip for clip in clips if clip.group in groups]
        folder = self.out / "peers" / name
        missing = [clip for clip in clips if not (folder / f"{clip.name}.json").exists()]
        if missing:
            python = self.python(environment)
            if python is None:
                return {}
            started = time.monotonic()
            command = [python, self.kit / "peers.py", name, folder, *[clip.audio for clip in missing]]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            print(f"{name}: {len(missing)} clips in {time.monotonic() - started:.0f} s", flush=True)
            if done.returncode != 0:
                said = done.stderr.strip().splitlines()
                self.problems.append(f"{name}: {said[-1] if said else done.returncode}")
        heard = {}
        for clip in clips:
            path = folder / f"{clip.name}.json"
            if path.exists():
                heard[clip.name] = json.loads(path.read_text(encoding="utf-8"))
        return heard

    def python(self, environment):
        """The Python of an environment, made if it is missing; none if that fails, which is said at the end."""
        if environment not in self.pythons:
            try:
                self.pythons[environment] = self.install(environment)
            except (subprocess.CalledProcessError, OSError) as error:
                self.problems.append(f"{environment}: {error}")
                self.pythons[environment] = None
        return self.pythons[environment]

    def install(self, environment):
        """Makes an environment from Python's package registry."""
        folder = self.out / f"venv-{environment}"
        python, done = folder / "bin/python", folder / "installed"
        if done.exists():
            return python
        base, steps = {
            "peers": ("python3", [["--requirement", HERE / "requirements-peers.txt"]]),
            "basic-pitch": (
                "python3.10",
                [["--requirement", self.kit / "requirements-basicpitch.txt"], ["--no-deps", "basic-pitch==0.4.0"]],
            ),
            "torch": ("python3", [["--requirement", self.kit / "requirements-peers.txt"]]),
            "madmom": (
                "python3.9",
                [
                    ["setuptools<70", "wheel", "cython<3", "numpy<1.24", "scipy<1.11", "mido", "soundfile"],
                    ["--no-build-isolation", "--no-binary", "madmom", "madmom==0.16.1"],
                ],
            ),
        }[environment]
        if not shutil.which(base):
            raise OSError(f"{base} is missing: its peers need that version of Python")
        print(f"installing {environment} into {folder}", flush=True)
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
        for step in steps:
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *step], check=True)
        done.touch()
        return python
