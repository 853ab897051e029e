"""DawDreamer (JUCE) with the VST3: what comes out of it is what the command line writes.

Proven: all ten output channels; a take captured by automation becomes a song whose stems are the command line's, also
where capturing is switched between two renders; a saved state renders the same in a fresh instance; the host's tempo
arrives; the latency that is told is the latency that is heard. DawDreamer is faster than real time and does not say
that it is offline, so "Rendering" is on. It has no time signature but 4/4 and takes no notes from a plugin.
"""

import dawdreamer
import numpy as np

from common import STEMS, Checks, Given, db, difference_db, onsets_s, peak, write

BLOCK = 512
# Where the take begins in the host: automation moves at the borders of blocks.
START = 188 * BLOCK
# Of a stem in 24 bit, half a step of which is -144 dB.
SAME_DB = -90.0


class Host:
    """An engine with one instance."""

    def __init__(self, given, sound, bpm=120.0):
        self.given, self.length_s = given, sound.shape[1] / given.rate
        self.engine = dawdreamer.RenderEngine(given.rate, BLOCK)
        self.engine.set_bpm(bpm)
        voice = self.engine.make_playback_processor("voice", sound)
        self.plugin = self.engine.make_plugin_processor("collavoce", given.vst3)
        self.engine.load_graph([(voice, []), (self.plugin, ["voice"])])
        count = self.plugin.get_plugin_parameter_size()
        self.numbers = {self.plugin.get_parameter_name(number): number for number in range(count)}

    def set(self, name, text):
        """Sets a parameter to a value as the plugin writes it."""
        number = self.numbers[name]
        steps = self.plugin.get_parameters_description()[number]["numSteps"]
        for step in range(steps):
            self.plugin.set_parameter(number, step / (steps - 1))
            if self.plugin.get_parameter_text(number) == text:
                return
        raise ValueError(f"parameter {name} has no value {text}")

    def text(self, name):
        """The value of a parameter as the plugin writes it."""
        return self.plugin.get_parameter_text(self.numbers[name])

    def automate(self, name, values):
        """Automates a parameter, a value a sample."""
        self.plugin.set_automation(self.numbers[name], values.astype(np.float32))

    def render(self):
        """Renders from the beginning: ten channels."""
        self.engine.render(self.length_s)
        return self.plugin.get_audio().copy()


def stem(heard, index):
    """A stem of ten channels."""
    return heard[2 + 2 * index : 4 + 2 * index]


def placed(given):
    """The take as it lies in the host, with silence around it."""
    before, after = (np.zeros((2, length), np.float32) for length in (START, 4 * given.rate))
    return np.concatenate([before, given.take, after], axis=1)


def song_from_automation(given, sound):
    """A host that has captured the take in one render."""
    host = Host(given, sound)
    host.set("Rendering", "on")
    host.set("Mode", "Studio")
    capture = np.zeros(sound.shape[1])
    capture[START : START + given.take.shape[1]] = 1
    host.automate("Capture", capture)
    host.render()
    host.automate("Capture", np.zeros(1))
    return host


def song_from_two_renders(given, sound):
    """A host that has captured the take, switched on before a render and off before the next one."""
    host = Host(given, sound)
    host.set("Rendering", "on")
    host.set("Mode", "Studio")
    host.set("Capture", "On")
    host.render()
    host.set("Capture", "Off")
    host.render()
    return host


def compare_stems(checks, given, heard, what):
    """The stems against those of the command line."""
    for index, name in enumerate(STEMS):
        wanted = given.stem(name)
        found = stem(heard, index)[:, START:]
        difference = difference_db(found, wanted)
        figures = f"peak {db(peak(found)):.1f} dB, largest difference {difference:.1f} dB"
        checks.that(difference < SAME_DB and peak(found) > 0.01, f"{what}: {name}.wav of the command line, {figures}")


def on_grid(times, bpm):
    """Share of the times that lie within 20 ms of an eighth of the host's."""
    eighth = 30.0 / bpm
    off = np.abs(times / eighth - np.round(times / eighth)) * eighth
    return float((off < 0.02).mean())


def live_band(given):
    """The live band without a song, for comparison with other hosts."""
    host = Host(given, given.take)
    host.set("Rendering", "on")
    write(given.out / "dawdreamer-live.wav", host.render(), given.rate)


def check_tempo(checks, given, sound):
    """With the host in the lead the live band's drums fall on the host's eighths.

    They are those of the rules: what the network plays has sixteenths and a drummer's timing."""
    tempos = (88.0, 131.0)
    times = {}
    for bpm in tempos:
        host = Host(given, sound, bpm)
        host.set("Rendering", "on")
        host.set("Lead", "Host")
        host.set("Players", "Rules")
        times[bpm] = onsets_s(stem(host.render(), 1), given.rate)
    for bpm, other in (tempos, tempos[::-1]):
        right, wrong, count = on_grid(times[bpm], bpm), on_grid(times[bpm], other), len(times[bpm])
        figures = f"{100 * right:.0f} % on its eighths, {100 * wrong:.0f} % on those of {other:.0f} bpm"
        checks.that(
            count > 20 and right > 0.8 and wrong < 0.4, f"the host leads at {bpm:.0f} bpm: {count} drum strokes, {figures}"
        )


def check_latency(checks, given, sound, state, plain):
    """A look-ahead is told as latency and delays everything by as much."""
    host = Host(given, sound)
    host.plugin.load_state(str(state))
    host.set("Lookahead", "200 ms")
    host.render()
    longer = given.out / "dawdreamer-lookahead.state"
    host.plugin.save_state(str(longer))
    host = Host(given, sound)
    host.plugin.load_state(str(longer))
    host.render()
    latency, wanted = host.plugin.get_latency_samples(), given.rate // 5
    # Told at activation: the render after it is the one that hears of it.
    heard = host.render()
    difference = max(difference_db(stem(heard, k)[:, latency:], stem(plain, k)) for k in range(4))
    checks.that(
        latency == wanted and difference < SAME_DB,
        f"a look-ahead of 200 ms: latency {latency} samples, stems so much later differ by {difference:.1f} dB",
    )


def body(checks):
    """Every check."""
    given = Given(__doc__)
    sound = placed(given)
    host = song_from_automation(given, sound)
    plugin = host.plugin
    ports = (plugin.get_num_input_channels(), plugin.get_num_output_channels())
    checks.that(ports == (4, 10), f"{ports[0]} channels in, {ports[1]} out, {len(host.numbers)} parameters")
    checks.that(plugin.get_latency_samples() == 0, f"latency {plugin.get_latency_samples()} samples")
    heard = host.render()
    write(given.out / "dawdreamer.wav", heard, given.rate)
    compare_stems(checks, given, heard, "captured by automation")
    summed = sound + sum(stem(heard, k) for k in range(4))
    checks.that(
        difference_db(heard[:2], summed) < SAME_DB,
        f"the main output is voice and stems, largest difference {difference_db(heard[:2], summed):.1f} dB",
    )
    state = given.out / "dawdreamer.state"
    plugin.save_state(str(state))
    fresh = Host(given, sound)
    fresh.plugin.load_state(str(state))
    again = fresh.render()
    checks.that(
        np.array_equal(again, heard),
        f"the state ({state.stat().st_size} bytes) in a fresh instance: largest difference "
        f"{difference_db(again, heard):.1f} dB in ten channels",
    )
    check_latency(checks, given, sound, state, heard)
    twice = song_from_two_renders(given, sound)
    heard = twice.render()
    strokes, is_on = len(onsets_s(stem(heard, 1), given.rate)), twice.text("Capture")
    checks.that(
        strokes > 20 and is_on == "Off", f"captured between two renders: {strokes} drum strokes, capture {is_on}"
    )
    check_tempo(checks, given, sound)
    live_band(given)


if __name__ == "__main__":
    Checks("DawDreamer").run(body)
