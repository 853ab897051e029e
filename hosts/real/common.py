"""What the scripts for real hosts share: arguments, checks, and the comparison of sound.

A script is given four folders: the bundles, the take, the reference that the command line wrote for it, and where its
own files go. It prints one line a check and fails if one of them failed.
"""

import argparse
import json
import sys
import traceback
from pathlib import Path

import numpy as np
import soundfile

STEMS = ["guitar", "drums", "strings", "bass"]


class Given:
    """The folders that a script is given, and what lies in them."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        for name, about in (
            ("bundles", "folder of Collavoce.vst3 and Collavoce.clap"),
            ("take", "the vocal, a WAV file"),
            ("reference", "what `collavoce accompany` wrote for it"),
            ("out", "folder for what is written here"),
        ):
            parser.add_argument(f"--{name}", type=lambda path: Path(path).resolve(), required=True, help=about)
        given = parser.parse_args()
        self.vst3 = str(given.bundles / "Collavoce.vst3")
        self.reference, self.out = given.reference, given.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.take, self.rate = read(given.take)
        if self.take.shape[0] == 1:
            self.take = np.repeat(self.take, 2, axis=0)
        report = json.loads((self.reference / "report.json").read_text(encoding="utf-8"))
        if report["audio"]["sample_rate"] != self.rate:
            sys.exit(f"the reference is at {report['audio']['sample_rate']} Hz, the take at {self.rate} Hz")
        self.voice_starts = round(report["audio"]["voice_starts_at_s"] * self.rate)

    def stem(self, name):
        """A stem of the reference, from where the voice begins."""
        return read(self.reference / f"{name}.wav")[0][:, self.voice_starts :]


class Checks:
    """Prints one line a check and remembers whether all were well."""

    def __init__(self, host):
        self.host, self.failed = host, 0

    def that(self, is_well, what):
        """One check: whether it went well, and what was measured."""
        self.failed += not is_well
        print(f"{'ok    ' if is_well else 'FAILED'} {self.host}: {what}", flush=True)

    def run(self, body):
        """Runs the body of a script and ends the program."""
        try:
            body(self)
        except Exception:  # Whatever a host does wrong is reported with the host's name.
            traceback.print_exc()
            self.that(False, "the script was stopped by an error")
        sys.exit(1 if self.failed else 0)


def read(path):
    """The channels of a sound file as rows, and its rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.T, rate


def write(path, channels, rate):
    """Writes rows of samples as a 32-bit float file."""
    soundfile.write(path, channels.T, rate, subtype="FLOAT")


def db(value):
    """A ratio as decibels."""
    return 20 * np.log10(max(float(value), 1e-9))


def peak(channels):
    """The loudest sample."""
    return float(np.abs(channels).max()) if channels.size else 0.0


def difference_db(one, other):
    """The largest difference of two sounds over what both cover, in dB of full scale."""
    length = min(one.shape[1], other.shape[1])
    if length == 0:
        raise ValueError("there is nothing to compare")
    return db(peak(one[:, :length] - other[:, :length]))


def shift_of(heard, wanted, most):
    """How many samples later the first sound is than the second, at most so many, and how well they then agree."""
    length = min(heard.shape[1], wanted.shape[1])
    one, other = heard[:, :length].mean(axis=0), wanted[:, :length].mean(axis=0)
    size = 1 << (2 * length - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    lags = np.concatenate([np.arange(0, most + 1), np.arange(-most, 0)])
    lag = int(lags[np.argmax(product[lags])])
    one, other = (one[lag:], other[: length - lag]) if lag >= 0 else (one[:lag], other[-lag:])
    norm = np.sqrt(np.dot(one, one) * np.dot(other, other))
    return lag, float(np.dot(one, other) / norm) if norm > 0 else 0.0


def onsets_s(channels, rate):
    """Times at which something is struck, in seconds: where the level of 4 ms rises by 10 dB within 8 ms."""
    mono = channels.mean(axis=0)
    hop = rate // 250
    frames = mono[: len(mono) // hop * hop].reshape(-1, hop)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-8)
    rise = level[2:] - level[:-2]
    times, last = [], -1.0
    for frame in np.flatnonzero(rise > 10.0):
        at = (frame + 1.5) * hop / rate
        if level[frame + 2] > -50 and at - last > 0.06:
            times.append(at)
            last = at
    return np.array(times)
