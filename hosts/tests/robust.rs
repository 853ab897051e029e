//! Whatever a host does: no note hangs, nothing clicks, nothing breaks.

use std::sync::OnceLock;

use collavoce::song::Rng;
use collavoce_hosts::{Activation, Heard, Hosted, NoteKind, Transport, Vst3Plugin, both, demo_voice};

const RATE: u32 = 48_000;
const OFFLINE: Activation = Activation { rate: RATE, max_block: 512, is_offline: true };

/// The states of plugins that know a song, in the order of [`both`].
fn songs() -> &'static [Vec<u8>] {
    static STATES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STATES.get_or_init(|| {
        let make = || -> anyhow::Result<Vec<Vec<u8>>> {
            let mut states = Vec::new();
            for mut plugin in both()? {
                plugin.activate(OFFLINE)?;
                plugin.capture(&demo_voice(RATE), 0, OFFLINE.max_block)?;
                states.push(plugin.save()?);
            }
            Ok(states)
        };
        make().expect("the demonstration song becomes a song")
    })
}

/// A plugin of each format that knows a song and is activated.
fn with_song(activation: Activation) -> anyhow::Result<Vec<Box<dyn Hosted>>> {
    let mut plugins = both()?;
    for (plugin, state) in plugins.iter_mut().zip(songs()) {
        plugin.load(state)?;
        plugin.activate(activation)?;
    }
    Ok(plugins)
}

fn assert_sound(heard: &Heard, what: &str) {
    let bad = |side: &[f32], most: f32| side.iter().find(|s| !s.is_finite() || s.abs() > most).copied();
    for side in &heard.main {
        assert_eq!(bad(side, f32::MAX), None, "{what}: in the main output");
    }
    for side in heard.stems.iter().flatten() {
        assert_eq!(bad(side, 8.0), None, "{what}: in a stem");
    }
}

#[test]
fn whatever_the_transport_does_no_note_hangs() -> anyhow::Result<()> {
    let voice = demo_voice(RATE);
    let mut begun = 0;
    for seed in 0..4 {
        let activation = Activation { rate: RATE, max_block: 8192, is_offline: seed % 2 == 0 };
        for mut plugin in with_song(activation)? {
            let what = format!("{} seed {seed}", plugin.format());
            let mut rng = Rng::keyed(&[seed, 31]);
            let mut transport = Transport::playing(0, 120.0);
            let mut heard = Heard::default();
            while heard.len() < 30 * RATE as usize {
                match rng.below(100) {
                    0 => transport.position = rng.below(voice.len()) as i64,
                    1 => transport.is_playing = !transport.is_playing,
                    2 => transport.tempo = 40.0 + 160.0 * rng.unit(),
                    3 => transport.signature = [(4, 4), (3, 4), (6, 8), (7, 8)][rng.below(4)],
                    4 => plugin.set("Mode", ["Live", "Studio"][rng.below(2)])?,
                    5 => plugin.set("Bypass", ["On", "Off"][rng.below(2)])?,
                    6 => plugin.set("Drums take", ["1", "2", "3"][rng.below(3)])?,
                    7 => plugin.set("Guitar on", ["On", "Off"][rng.below(2)])?,
                    8 => plugin.set("Capture", ["On", "Off", "Off"][rng.below(3)])?,
                    9 => transport.position = -(rng.below(100_000) as i64),
                    _ => {}
                }
                let frames = [1, 7, 64, 512, 1024, 4096, 8192][rng.below(7)];
                let from = transport.position.max(0) as usize % (voice.len() - 8192);
                let chunk = match rng.below(30) {
                    0 => vec![f32::NAN; frames],
                    1 => vec![f32::NEG_INFINITY; frames],
                    2 => vec![1e30; frames],
                    _ => voice[from..from + frames].to_vec(),
                };
                plugin.process([&chunk, &chunk], transport, &mut heard)?;
                if transport.is_playing {
                    transport.position += frames as i64;
                }
            }
            plugin.set("Bypass", "On")?;
            plugin.stand(512, &mut heard)?;
            assert_sound(&heard, &what);
            assert_eq!(heard.hanging(), [], "{what}");
            begun += heard.ons().len();
        }
    }
    assert!(begun > 200, "only {begun} notes in all");
    Ok(())
}

#[test]
fn every_rate_and_every_block_is_played() -> anyhow::Result<()> {
    for rate in [22_050, 44_100, 88_200, 96_000, 176_400, 192_000] {
        let silence = vec![0.0; 2 * rate as usize];
        for block in [1, 61, 8192] {
            for mut plugin in with_song(Activation { rate, max_block: block, is_offline: true })? {
                let what = format!("{} at {rate} Hz in blocks of {block}", plugin.format());
                let mut heard = Heard::default();
                plugin.stand(block, &mut heard)?;
                // A tenth of a second in blocks of one sample takes long enough.
                let frames = if block == 1 { rate as usize / 10 } else { silence.len() };
                plugin.play(&silence[..frames], 10 * i64::from(rate), 120.0, block, &mut heard)?;
                assert_sound(&heard, &what);
                let peak = heard.main[0].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                assert!(peak > 1e-3, "{what}: nothing sounds, the peak is {peak}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_damaged_state_breaks_nothing() -> anyhow::Result<()> {
    for (mut plugin, state) in both()?.into_iter().zip(songs()) {
        let mut damaged =
            vec![Vec::new(), b"not a state".to_vec(), vec![0xff; 100_000], state[..64].to_vec()];
        damaged.push(state[..state.len() / 2].to_vec());
        let mut rng = Rng::keyed(&[5]);
        for _ in 0..24 {
            let mut bytes = state.clone();
            for _ in 0..1 + rng.below(4) {
                let at = rng.below(bytes.len());
                bytes[at] = rng.below(256) as u8;
            }
            damaged.push(bytes);
        }
        plugin.activate(OFFLINE)?;
        for bytes in &damaged {
            // Whether it is refused is up to the framework, and how it was damaged.
            drop(plugin.load(bytes));
            let mut heard = Heard::default();
            plugin.play(&[0.1; 4096], 0, 120.0, 512, &mut heard)?;
            assert_sound(&heard, plugin.format());
        }
        plugin.load(state)?;
        plugin.stand(512, &mut Heard::default())?;
        let mut heard = Heard::default();
        plugin.play(&vec![0.0; RATE as usize], 20 * i64::from(RATE), 120.0, 512, &mut heard)?;
        assert!(heard.ons().len() > 4, "{}: the good state is not what plays", plugin.format());
    }
    Ok(())
}

#[test]
fn notes_that_sound_at_deactivation_end_in_the_next_block() -> anyhow::Result<()> {
    for mut plugin in with_song(OFFLINE)? {
        let mut heard = Heard::default();
        for round in 0..20 {
            plugin.stand(512, &mut heard)?;
            plugin.play(&vec![0.0; RATE as usize / 2], 18 * i64::from(RATE), 120.0, 512, &mut heard)?;
            assert!(!heard.hanging().is_empty(), "nothing sounds at deactivation: round {round}");
            plugin.activate(OFFLINE)?;
            let (at, from) = (heard.len() as i64, heard.notes.len());
            plugin.stand(512, &mut heard)?;
            assert_eq!(heard.hanging(), [], "{} round {round}", plugin.format());
            let first = &heard.notes[from..];
            assert!(first.iter().all(|note| note.at == at && matches!(note.kind, NoteKind::Off { .. })));
        }
    }
    Ok(())
}

#[test]
fn instances_do_not_disturb_each_other() -> anyhow::Result<()> {
    let voice = &demo_voice(RATE)[..16 * RATE as usize];
    let open = |seed: &str| -> anyhow::Result<Vst3Plugin> {
        let mut plugin = Vst3Plugin::open()?;
        plugin.set("Seed", seed)?;
        plugin.activate(OFFLINE)?;
        Ok(plugin)
    };
    let alone = |seed: &str| -> anyhow::Result<Heard> {
        let mut heard = Heard::default();
        open(seed)?.play(voice, 0, 120.0, 512, &mut heard)?;
        Ok(heard)
    };
    let (mut one, mut two) = (open("1")?, open("2")?);
    let (mut heard_one, mut heard_two) = (Heard::default(), Heard::default());
    for (index, chunk) in voice.chunks(512).enumerate() {
        let transport = Transport::playing(512 * index as i64, 120.0);
        one.process([chunk, chunk], transport, &mut heard_one)?;
        two.process([chunk, chunk], transport, &mut heard_two)?;
    }
    assert!(heard_one.notes != heard_two.notes, "the seed changes nothing");
    assert!(heard_one == alone("1")? && heard_two == alone("2")?);
    Ok(())
}

#[test]
fn bypass_passes_the_voice_delayed_by_the_latency() -> anyhow::Result<()> {
    let voice = &demo_voice(RATE)[..10 * RATE as usize];
    for mut plugin in both()? {
        plugin.activate(OFFLINE)?;
        plugin.set("Lookahead", "50 ms")?;
        plugin.stand(512, &mut Heard::default())?;
        plugin.activate(OFFLINE)?;
        let latency = plugin.latency()?;
        assert_eq!(latency, 2_400);
        plugin.set("Bypass", "On")?;
        let mut heard = Heard::default();
        plugin.play(voice, 0, 120.0, 512, &mut heard)?;
        assert!(heard.main[0][..latency].iter().all(|sample| *sample == 0.0));
        assert!(heard.main[0][latency..] == voice[..voice.len() - latency], "{}", plugin.format());
        assert_eq!(heard.notes, []);
    }
    Ok(())
}

/// The loudest sample above 8 kHz in 5 ms from a sample on: a click, if there is one.
fn brightest(side: &[f32], at: usize) -> f32 {
    // Two one-pole differences at 8 kHz; what comes before the moment is the filter's run-in.
    let share = (-2.0 * std::f32::consts::PI * 8_000.0 / RATE as f32).exp();
    let (mut low, mut low_again, mut most) = (0.0, 0.0, 0.0_f32);
    let end = at + RATE as usize / 200;
    for (index, sample) in side[..end].iter().enumerate().skip(at.saturating_sub(2_000)) {
        low += (1.0 - share) * (sample - low);
        let high = sample - low;
        low_again += (1.0 - share) * (high - low_again);
        if index >= at {
            most = most.max((high - low_again).abs());
        }
    }
    most
}

#[test]
fn stopping_and_jumping_do_not_click() -> anyhow::Result<()> {
    let silence = vec![0.0; 4 * RATE as usize];
    let (from, event) = (16 * i64::from(RATE), 2 * RATE as usize);
    for mut plugin in with_song(OFFLINE)? {
        let mut render = |then: &dyn Fn(i64) -> Transport| -> anyhow::Result<Heard> {
            plugin.stand(512, &mut Heard::default())?;
            (0..20).try_for_each(|_| plugin.stand(512, &mut Heard::default()))?;
            let mut heard = Heard::default();
            plugin.play(&silence[..event], from, 120.0, 500, &mut heard)?;
            for (index, chunk) in silence[event..].chunks(500).enumerate() {
                plugin.process([chunk, chunk], then(500 * index as i64), &mut heard)?;
            }
            Ok(heard)
        };
        let onwards = from + event as i64;
        let plain = render(&|at| Transport::playing(onwards + at, 120.0))?;
        // Landing between two notes: what begins there is no click.
        let mut onsets: Vec<i64> = plain.ons().iter().map(|on| on.0).collect();
        onsets.sort_unstable();
        let quiet = onsets.windows(2).find(|pair| pair[1] - pair[0] > 4_000 && pair[0] > 24_000);
        let landing = from + quiet.map(|pair| pair[1] - 2_000).expect("a place between notes");
        let events: [(&str, &dyn Fn(i64) -> Transport); 3] = [
            ("stop", &|_| Transport::stopped()),
            ("jump", &|at| Transport::playing(landing + at, 120.0)),
            ("far away", &|at| Transport::playing(900 * i64::from(RATE) + at, 120.0)),
        ];
        let usual = brightest(&plain.main[0], event);
        for (name, then) in events {
            let heard = render(then)?;
            assert_eq!(plain.main[0][..event], heard.main[0][..event], "{name}");
            let click = brightest(&heard.main[0], event) - usual;
            assert!(click < 1e-3, "{name}: {:.1} dBFS above what sounds anyway", 20.0 * click.log10());
        }
    }
    Ok(())
}
