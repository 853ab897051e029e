"""Other people's trackers on the songs of `cargo xtask eval follow --write FOLDER`.

    python -m venv peers
    peers/bin/pip install pymatchmaker torch==2.2.2 "numpy<2" "cython<3.1" "setuptools<70" wheel
    peers/bin/pip install --no-build-isolation madmom
    peers/bin/pip install --no-deps BeatNet
    peers/bin/python eval/peers/trackers.py FOLDER
    cargo xtask eval follow --others FOLDER

Matchmaker plays the song to itself through a SoundFont that partitura would fetch; put an installed one where it looks
(`partitura/assets/MuseScore_General.sf3`).

BeatNet (Heydari et al., ISMIR 2021) hears the sound alone, in its causal mode. Matchmaker's on-line time warping (Dixon,
DAFx 2005; Arzt and Widmer, 2010) knows the song as a MIDI file in its tempo and says where in it the singer is; a beat lies
where the place passes it, so that it foretells nothing; it is told bar 1, as its sound begins there.
"""

import collections
import collections.abc
import json
import pathlib
import sys
import tempfile
import types

import numpy as np

# madmom is older than these Pythons, and BeatNet asks for a microphone that a file does not need.
collections.MutableSequence = collections.abc.MutableSequence
np.float, np.int, np.bool = float, int, bool
sys.modules["pyaudio"] = types.ModuleType("pyaudio")


def beatnet(wav):
    """Beats in seconds."""
    from BeatNet.BeatNet import BeatNet

    np.random.seed(0)
    found = BeatNet(1, mode="online", inference_model="PF").process(str(wav))
    return [float(row[0]) for row in found]


def write_midi(song, path):
    """The song as it is written."""
    import mido

    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(song["bpm"])))
    track.append(mido.MetaMessage("time_signature", numerator=song["beats_per_bar"], denominator=4))
    events = []
    for start, beats, midi in song["notes"]:
        events += [(start + beats, 0, midi), (start, 64, midi)]
    now = 0
    for at, velocity, midi in sorted(events):
        tick = round(at * 480)
        track.append(mido.Message("note_on", note=midi, velocity=velocity, time=tick - now))
        now = tick
    file.save(path)


def warping(wav, song, method):
    """When on-line time warping passes the beats of the song, in seconds."""
    import soundfile
    from matchmaker import Matchmaker

    with tempfile.TemporaryDirectory() as folder:
        midi, sung = pathlib.Path(folder) / "song.mid", pathlib.Path(folder) / "sung.wav"
        write_midi(song, midi)
        # The song begins where the sound does.
        sound, rate = soundfile.read(str(wav))
        soundfile.write(str(sung), sound[round(song["bar_one_s"] * rate) :, 0], rate)
        follower = Matchmaker(score_file=str(midi), performance_file=str(sung), input_type="audio", method=method)
        for _ in follower.run(verbose=False):
            pass
        path = follower.score_follower.alignment_path
        places, seconds = path[0].astype(float), follower._wp_perf_to_seconds(path[1].astype(float))
    beats, next_beat = [], 0
    for place, second in zip(places, seconds):
        while place >= next_beat:
            beats.append(float(second) + song["bar_one_s"])
            next_beat += 1
    return beats


def main():
    folder = pathlib.Path(sys.argv[1])
    for path in sorted(folder.glob("case-*.json")):
        song = json.loads(path.read_text())
        wav = path.with_suffix(".wav")
        trackers = {"beatnet": lambda: beatnet(wav)}
        if song["counted"]:
            for method in ["dixon", "arzt"]:
                trackers[method] = lambda method=method: warping(wav, song, method)
        for name, track in trackers.items():
            into = path.with_suffix(f".{name}.beats")
            if not into.exists():
                into.write_text("".join(f"{beat:.4f}\n" for beat in track()))
        print(path.stem, flush=True)


main()
