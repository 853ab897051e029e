"""pedalboard (JUCE) with the VST3: its main output is DawDreamer's, and states are exchanged.

Proven: the live band in the main output is the one that DawDreamer heard; a state that is read and written stays as it
is; DawDreamer's state holds its song here. pedalboard has no transport, so a known song rests; it has the main output
alone. Runs after with_dawdreamer.py, which leaves its sound and its state.
"""

import numpy as np
import pedalboard

from common import Checks, Given, db, difference_db, peak, read

BLOCK = 512
# Both are 32-bit floats of the same computation.
SAME_DB = -120.0


def process(plugin, sound, rate):
    """The main output; what `reset` would do is compensate the latency a second time."""
    return plugin.process(sound, rate, buffer_size=BLOCK, reset=False)


def body(checks):
    """Every check."""
    given = Given(__doc__)
    plugin = pedalboard.load_plugin(given.vst3)
    checks.that(plugin.is_effect and len(plugin.parameters) > 40, f"an effect, {len(plugin.parameters)} parameters")
    latency = plugin.reported_latency_samples
    checks.that(latency == 0, f"latency {latency} samples")
    plugin.parameters["rendering"].raw_value = 1.0
    wanted, _ = read(given.out / "dawdreamer-live.wav")
    heard = process(plugin, given.take, given.rate)
    difference, band = difference_db(heard, wanted[:2]), heard - given.take
    checks.that(
        difference < SAME_DB and peak(band) > 0.01,
        f"the live band in the main output as in DawDreamer: peak {db(peak(band)):.1f} dB, largest difference "
        f"{difference:.1f} dB",
    )
    state = bytes(plugin.raw_state)
    fresh = pedalboard.load_plugin(given.vst3)
    before = bytes(fresh.raw_state)
    fresh.raw_state = state
    checks.that(
        fresh.raw_state == state and before != state,
        f"a state of {len(state)} bytes comes back as it was, rendering {fresh.parameters['rendering'].string_value}",
    )
    again = process(fresh, given.take, given.rate)
    checks.that(np.array_equal(again, heard), f"and plays the same, largest difference {difference_db(again, heard):.1f} dB")
    song = (given.out / "dawdreamer.state").read_bytes()
    other = pedalboard.load_plugin(given.vst3)
    other.raw_state = song
    rests = difference_db(process(other, given.take, given.rate), given.take)
    checks.that(
        other.raw_state == song and rests < SAME_DB,
        f"DawDreamer's song ({len(song)} bytes) is kept; without a transport the voice alone is heard, to {rests:.1f} dB",
    )


if __name__ == "__main__":
    Checks("pedalboard").run(body)
