"""Where an analysis loses: stretches of wrong frames, missed and extra onsets, each with what kind of slip it is.

Pitch, where the truth is voiced (more than 50 cents off, whether or not we call it voiced):
  octave    right but for octaves
  glide     right within 30 ms earlier or later
  pitch     anything else
Voicing, where the pitch is right or there is none:
  missed    the truth is voiced, we are not;   false   we are voiced, the truth is not
Each is at an `edge` (the truth changes its voicing within 60 ms) or `inside`.
"""

import mir_eval
import numpy as np

TOLERANCE_CENTS = 50.0
GLIDE_S = 0.03
EDGE_S = 0.06
KINDS = ["octave", "glide", "pitch", "missed", "false"]


def frames_of(scorer, heard, truth):
    """Times, both pitches in cents with voicing, as mir_eval compares them."""
    times, wanted = scorer.grid(truth["pitch"])
    ours_at, ours = scorer.grid(heard["pitch"])
    if "voiced" in heard["pitch"]:
        ours = np.where(np.array(heard["pitch"]["voiced"], bool), np.abs(ours), -np.abs(ours))
    compared = mir_eval.melody.to_cent_voicing(times, wanted, ours_at, ours)
    length = len(compared[0])
    return times[:length], *(np.asarray(part)[:length] for part in compared)


def pitch_losses(scorer, heard, truth):
    """Stretches of wrong frames, and the share of each kind: of the voiced frames, `false` of the unvoiced ones."""
    times, voiced, cents, ours_voiced, ours = frames_of(scorer, heard, truth)
    voiced, ours_voiced = voiced > 0, ours_voiced > 0
    hop = float(np.median(np.diff(times)))
    off = np.where((ours != 0) & (cents != 0), ours - cents, np.inf)
    wrong = voiced & (np.abs(off) > TOLERANCE_CENTS)
    folded = np.abs(np.where(np.isfinite(off), off - 1200 * np.round(np.nan_to_num(off) / 1200), np.inf))
    octave = wrong & (folded < TOLERANCE_CENTS) & (np.abs(off) > 600)
    reach = int(round(GLIDE_S / hop))
    near = np.zeros(len(times), bool)
    for shift in range(-reach, reach + 1):
        moved = np.roll(ours, shift)
        near |= (moved != 0) & (np.abs(moved - cents) <= TOLERANCE_CENTS)
    glide = wrong & ~octave & near
    missed, false = voiced & ~ours_voiced & ~wrong, ~voiced & ours_voiced
    kind = np.full(len(times), "", dtype=object)
    marks = [("octave", octave), ("glide", glide), ("pitch", wrong & ~octave & ~glide)]
    for name, where in [*marks, ("missed", missed), ("false", false)]:
        kind[where] = name
    changes = times[np.flatnonzero(np.diff(voiced.astype(int)))]
    stretches = [
        describe(heard, times, kind, start, end, changes, cents, ours, off, ours_voiced)
        for start, end in runs(kind)
    ]
    total, rest = max(int(voiced.sum()), 1), max(int((~voiced).sum()), 1)
    shares = {name: float((kind == name).sum() / (rest if name == "false" else total)) for name in KINDS}
    return stretches, shares


def runs(kind):
    """Stretches of one kind of slip, as (start, end)."""
    edges = np.flatnonzero(np.r_[True, kind[1:] != kind[:-1], True])
    return [(a, b) for a, b in zip(edges[:-1], edges[1:]) if kind[a]]


def hz_of(cents):
    """Median pitch of frames in Hz; mir_eval counts cents from 10 Hz."""
    cents = cents[cents != 0]
    return 10 * 2 ** (float(np.median(cents)) / 1200) if len(cents) else 0.0


def describe(heard, times, kind, start, end, changes, cents, ours, off, ours_voiced):
    """A stretch in numbers."""
    pitch = heard["pitch"]
    first = int(round((times[start] - pitch.get("t0_s", 0.0)) / pitch["hop_s"]))
    last = max(first + 1, int(round((times[end - 1] - pitch.get("t0_s", 0.0)) / pitch["hop_s"])) + 1)
    of = lambda name: pitch.get(name, [])[first:last] or [float("nan")]
    distances = np.abs(changes - times[start]).min(initial=9.0), np.abs(changes - times[end - 1]).min(initial=9.0)
    finite = off[start:end][np.isfinite(off[start:end])]
    return {
        "start_s": float(times[start]),
        "end_s": float(times[end - 1]),
        "frames": int(end - start),
        "kind": kind[start],
        "where": "edge" if min(distances) < EDGE_S else "inside",
        "truth_hz": hz_of(cents[start:end]) if kind[start] != "false" else 0.0,
        "our_hz": hz_of(ours[start:end]),
        "cents": float(np.median(finite)) if len(finite) and kind[start] != "false" else float("nan"),
        "level_db": float(np.median(of("rms_db"))),
        "confidence": float(np.median(of("confidence"))),
        "called_voiced": float(ours_voiced[start:end].mean()),
    }


def pitch_text(stretches, shortest=1):
    """Stretches as lines."""
    lines = ["   from -     to  frames kind   where   truth Hz   our Hz   cents level dB periodic called voiced"]
    for s in stretches:
        if s["frames"] >= shortest:
            lines.append(
                f"{s['start_s']:7.3f} - {s['end_s']:7.3f} {s['frames']:5d} {s['kind']:<6} {s['where']:<6} "
                f"{s['truth_hz']:9.1f} {s['our_hz']:9.1f} {s['cents']:8.0f} {s['level_db']:7.1f} "
                f"{s['confidence']:8.2f} {s['called_voiced']:8.2f}"
            )
    return lines


def onset_text(heard, truth, window=0.05):
    """Missed and extra onsets as lines."""
    wanted = np.array([note["onset_s"] for note in truth["notes"]])
    ours = np.array([note["onset_s"] for note in heard["notes"]])
    pairs = mir_eval.util.match_events(wanted, ours, window)
    met, used = {a for a, _ in pairs}, {b for _, b in pairs}
    lines = []
    for i, time in enumerate(wanted):
        if i not in met:
            nearest = ours[np.abs(ours - time).argmin()] - time if len(ours) else np.inf
            lines.append((time, f"missed {began(truth['notes'], i)}; our nearest {nearest * 1e3:+.0f} ms"))
    for j, time in enumerate(ours):
        if j not in used:
            nearest = wanted[np.abs(wanted - time).argmin()] - time
            lines.append((time, f"extra  {began(heard['notes'], j)}; nearest of the truth {nearest * 1e3:+.0f} ms"))
    return [f"{time:7.3f} {text}" for time, text in sorted(lines)]


def began(notes, i):
    """How a note begins, seen from the one before it."""
    note = notes[i]
    length, midi = note["offset_s"] - note["onset_s"], note["midi"]
    text = f"{midi:5.2f} for {length * 1e3:4.0f} ms, "
    if i == 0:
        return text + "the first"
    gap, step = note["onset_s"] - notes[i - 1]["offset_s"], midi - notes[i - 1]["midi"]
    kind = f"after a gap of {gap * 1e3:.0f} ms" if gap > 0.005 else "joined"
    return text + f"{kind}, step {step:+.2f}"
