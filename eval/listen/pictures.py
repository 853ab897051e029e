"""A picture a voice: spectrogram, pitch, notes, beats and phrases, in rows of twelve seconds."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile
from scipy.signal import spectrogram

ROW_S = 12.0
LOWEST_HZ, HIGHEST_HZ = 60.0, 2000.0
# Rows drawn at most.
ROWS = 9


def draw(clip_path, heard, truth, path, title):
    """Draws an analysis over the sound; the truth too where there is one."""
    sound, rate = soundfile.read(clip_path, always_2d=True)
    sound = sound.mean(axis=1)
    rows = min(ROWS, int(np.ceil(len(sound) / rate / ROW_S)))
    figure, axes = plt.subplots(rows, 1, figsize=(18, 3.0 * rows), squeeze=False)
    size = 2 ** int(np.round(np.log2(rate * 0.05)))
    hz, at, power = spectrogram(sound, rate, window="hann", nperseg=size, noverlap=size * 3 // 4, nfft=size * 2)
    keep = (hz >= LOWEST_HZ * 0.9) & (hz <= HIGHEST_HZ * 1.05)
    db = 10 * np.log10(power[keep] + 1e-12)
    top = db.max()
    for row in range(rows):
        axis = axes[row, 0]
        start, end = row * ROW_S, (row + 1) * ROW_S
        columns = (at >= start - 0.1) & (at <= end + 0.1)
        if columns.any():
            axis.pcolormesh(at[columns], hz[keep], db[:, columns], cmap="magma", vmin=top - 80, vmax=top, rasterized=True)
        marks(axis, heard, truth, start, end)
        axis.set(xlim=(start, end), ylim=(LOWEST_HZ, HIGHEST_HZ), yscale="log", ylabel="Hz")
        axis.set_xticks(np.arange(start, end + 0.1, 1.0))
    axes[0, 0].set_title(
        f"{title}   cyan: pitch (grey: unvoiced guess), white dots: truth, green: notes, yellow: beats (thick: first of "
        "a bar), top bar: phrases (triangle: breath before)",
        fontsize=9,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def marks(axis, heard, truth, start, end):
    """Everything that is drawn over a row."""
    pitch = heard["pitch"]
    time = pitch.get("t0_s", 0.0) + pitch["hop_s"] * np.arange(len(pitch["hz"]))
    inside = (time >= start) & (time <= end)
    hz, voiced = np.array(pitch["hz"])[inside], np.array(pitch["voiced"], bool)[inside]
    axis.plot(time[inside], np.where(~voiced & (hz > 0), hz, np.nan), ".", color="0.6", ms=1.5)
    axis.plot(time[inside], np.where(voiced, hz, np.nan), color="cyan", lw=1.8)
    if "pitch" in truth:
        known = np.array(truth["pitch"]["hz"])
        at = truth["pitch"].get("t0_s", 0.0) + truth["pitch"]["hop_s"] * np.arange(len(known))
        seen = (at >= start) & (at <= end) & (known > 0)
        axis.plot(at[seen][::3], known[seen][::3], ".", color="white", ms=1.6)
    for note in heard["notes"]:
        if note["offset_s"] > start and note["onset_s"] < end:
            at_hz = 440 * 2 ** ((note["midi"] - 69) / 12)
            axis.plot([note["onset_s"], note["offset_s"]], [at_hz * 0.94] * 2, color="lime", lw=2)
            axis.plot([note["onset_s"]] * 2, [at_hz * 0.84, at_hz * 1.12], color="lime", lw=1.2)
    for note in truth.get("notes", []):
        if start <= note["onset_s"] < end:
            axis.plot(note["onset_s"], 440 * 2 ** ((note["midi"] - 69) / 12) * 0.8, "^", color="white", ms=4)
    for beat in heard["beats"]:
        if start <= beat["time_s"] < end:
            axis.plot([beat["time_s"]] * 2, [LOWEST_HZ, 78], color="yellow", lw=3 if beat["beat"] == 1 else 1)
    for phrase in heard["phrases"]:
        if phrase["end_s"] > start and phrase["start_s"] < end:
            axis.plot([phrase["start_s"], phrase["end_s"]], [1800] * 2, color="orange", lw=4, solid_capstyle="butt")
            if phrase.get("breath_before") and phrase["start_s"] >= start:
                axis.plot(phrase["start_s"], 1600, "v", color="orange", ms=6)
