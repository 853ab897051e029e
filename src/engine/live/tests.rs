//! The threads play what the command line plays, and lose no note's end whatever happens.

use super::*;
use crate::engine::player::Player;
use crate::engine::{BandRenderer, run_beside};
use crate::listen::PitchMethod;
use crate::perform::{EventKind, NoteId};
use crate::score::Part;
use crate::sing::{DemoOptions, demo_with};
use crate::song::{Anchor, Arranger, Isolate, Lead, LiveTiming, Mode, Rng, Seed};
use crate::time::{Bpm, SampleCount, SampleTime};

const RATE: Hz = Hz(48_000);

fn voice() -> Vec<f32> {
    demo_with(DemoOptions::default()).sing(RATE).expect("a voice").samples
}

fn live() -> Settings {
    Settings { mode: Mode::Live, ..Settings::default() }
}

/// Looks after nothing.
struct Nobody(Option<Settings>);

impl Watcher for Nobody {
    fn settings(&mut self) -> Option<Settings> {
        self.0.take()
    }
    fn watch(&mut self, _: &mut Causal) {}
    fn ended(&mut self, _: Option<Session>) {}
    fn failed(&mut self, error: &EngineError) {
        panic!("{error}");
    }
}

/// What an instance did: events as they began, and the sum of its stems.
#[derive(Debug, Default, PartialEq)]
struct Played {
    events: Vec<NoteEvent>,
    sum: Vec<f32>,
}

/// What happens beside the voice.
#[derive(Debug, Clone, Copy, Default)]
struct Around<'a> {
    /// The tempo of a host.
    host: Option<f64>,
    /// What the singer says, in order.
    said: &'a [Anchor],
    sidechain: &'a [f32],
}

/// Runs a voice through threads and player, waiting after every block.
fn in_lock_step(voice: &[f32], settings: &Settings, block: usize, host: Option<f64>) -> Played {
    in_lock_step_amid(voice, settings, block, Around { host, ..Around::default() })
}

/// The same with what happens beside it.
fn in_lock_step_amid(voice: &[f32], settings: &Settings, block: usize, around: Around<'_>) -> Played {
    let Around { host, said, sidechain } = around;
    let mut said = said.iter().copied().peekable();
    let config = crate::engine::listen_config(settings, PitchMethod::Nsdf);
    let (mut feed, _threads) =
        start(RATE, config, settings.clone(), Box::new(Nobody(None))).expect("threads");
    feed.set_may_wait(true);
    let mut player = Player::new(RATE, settings.seed);
    let mut played = Played::default();
    for chunk in voice.chunks(block) {
        let at = player.position();
        let beats = host.map(|bpm| (at.seconds(RATE) * bpm / 60.0, bpm));
        feed.play_into(&mut player);
        let from = played.sum.len();
        played.sum.resize(from + chunk.len(), 0.0);
        let (events, sum) = (&mut played.events, &mut played.sum);
        player.render(
            chunk.len(),
            &mut |event, offset| {
                assert_eq!(event.at, at + SampleCount(offset as i64));
                events.push(*event);
            },
            &mut |_, place, left, right| {
                for (index, (l, r)) in left.iter().zip(right).enumerate() {
                    sum[from + place + index] += l + r;
                }
            },
        );
        while let Some(anchor) = said.next_if(|anchor| RATE.sample_at(anchor.at_s) < player.position()) {
            feed.say(anchor.gesture, (RATE.sample_at(anchor.at_s) - at).0.unsigned_abs() as u32);
        }
        let beside = sidechain.get(from..).unwrap_or_default();
        let beside = &beside[..chunk.len().min(beside.len())];
        feed.feed_beside([chunk; 2], Beside { sidechain: [beside; 2], ..Beside::default() }, beats);
        feed.wait();
    }
    assert_eq!(feed.health().late_follow.load(Ordering::Relaxed), 0);
    assert_eq!(feed.health().late_plan.load(Ordering::Relaxed), 0);
    played
}

/// What the command line's live mode does with the same voice.
fn offline(voice: &[f32], settings: &Settings) -> Played {
    offline_with_bars(voice, &[], settings).0
}

/// The same with a sidechain, and where its bars begin.
fn offline_with_bars(voice: &[f32], sidechain: &[f32], settings: &Settings) -> (Played, Vec<SampleTime>) {
    let slowed = |samples: &[f32]| {
        let mut slow = Vec::new();
        let mut resampler = Resampler::streaming(RATE, Hz(LISTEN_HZ), 1).expect("a resampler");
        resampler.push(samples, &mut slow);
        resampler.finish(&mut slow);
        slow
    };
    let (voice_slow, beside) = (slowed(voice), slowed(sidechain));
    let session =
        run_beside(&voice_slow, &beside, settings, PitchMethod::Nsdf, &mut |_| {}).expect("a session");
    let events = session.performance(settings, RATE);
    let mut renderer = BandRenderer::new(&events, &Part::ALL, RATE, settings.seed, 1024);
    let mut sum = Vec::new();
    while sum.len() < voice.len() {
        let start = sum.len();
        renderer.render(voice.len() - start, &mut |_, left, right| {
            sum.resize(start + left.len(), 0.0);
            for (index, (l, r)) in left.iter().zip(right).enumerate() {
                sum[start + index] += l + r;
            }
        });
    }
    let tempo = &session.score.tempo;
    let bars = session.score.all_bars().map(|bar| RATE.sample_at(tempo.seconds_at(bar.start))).collect();
    (Played { events, sum }, bars)
}

/// Both as far as the voice goes: the last beat, which the file's end decides, left out.
fn assert_same(threads: &Played, offline: &Played, what: &str) {
    let until = SampleTime(threads.sum.len() as i64 - 2 * 48_000);
    let before = |played: &Played| -> Vec<NoteEvent> {
        played.events.iter().filter(|event| event.at < until).copied().collect()
    };
    let (a, b) = (before(threads), before(offline));
    assert!(a.len() > 500, "{what}: only {} events", a.len());
    for (index, (one, other)) in a.iter().zip(&b).enumerate() {
        assert_eq!(one, other, "{what}: event {index}");
    }
    assert_eq!(a.len(), b.len(), "{what}");
    let samples = until.0 as usize;
    assert!(threads.sum[..samples] == offline.sum[..samples], "{what}: the stems differ");
}

#[test]
fn in_lock_step_the_threads_play_what_the_command_line_plays() {
    let voice = voice();
    let settings = live();
    let wanted = offline(&voice, &settings);
    for block in [64, 1024] {
        assert_same(&in_lock_step(&voice, &settings, block, None), &wanted, &format!("block {block}"));
    }
}

#[test]
fn a_band_that_is_silent_and_might_be_heard_changes_nothing() {
    let voice = voice();
    let played = in_lock_step(&voice, &Settings { hears_band: true, ..live() }, 333, None);
    assert_same(&played, &offline(&voice, &live()), "speakers");
}

/// Keeps the level of everything that is heard from 4 s on.
struct Levels(Arc<std::sync::Mutex<Vec<f32>>>);

impl Watcher for Levels {
    fn settings(&mut self) -> Option<Settings> {
        None
    }
    fn watch(&mut self, engine: &mut Causal) {
        let levels = engine.heard_since(400).iter().map(|seen| seen.level_dbfs).collect();
        *self.0.lock().expect("no panic") = levels;
    }
    fn ended(&mut self, _: Option<Session>) {}
    fn failed(&mut self, error: &EngineError) {
        panic!("{error}");
    }
}

#[test]
fn what_the_speakers_play_is_taken_out_of_what_the_microphone_hears() {
    let band: Vec<f32> = voice().into_iter().take(48_000 * 9).collect();
    // 25 ms away.
    let mut microphone = vec![0.0; 1_200];
    microphone.extend(band.iter().take(band.len() - 1_200).map(|sample| 0.3 * sample));
    let loudest = |hears_band: bool| {
        let levels = Arc::default();
        let settings = Settings { hears_band, ..live() };
        let config = crate::engine::listen_config(&settings, PitchMethod::Nsdf);
        let watcher = Box::new(Levels(Arc::clone(&levels)));
        let (mut feed, _threads) = start(RATE, config, settings, watcher).expect("threads");
        feed.set_may_wait(true);
        for (heard, band) in microphone.chunks(512).zip(band.chunks(512)) {
            let beside = Beside { band: [band, band], ..Beside::default() };
            feed.feed_beside([heard, heard], beside, None);
            feed.wait();
        }
        let levels = levels.lock().expect("no panic");
        assert!(levels.len() > 300);
        levels.iter().copied().fold(f32::MIN, f32::max)
    };
    let (heard, cancelled) = (loudest(false), loudest(true));
    assert!(cancelled < heard - 20.0, "{heard} dB of the band are heard, {cancelled} dB of them remain");
}

/// Clicks at a tempo, from a moment on.
fn clicks(bpm: f64, from_s: f64, length_s: f64) -> Vec<f32> {
    let mut samples = vec![0.0; (length_s * RATE.as_f64()) as usize];
    for click in 0.. {
        let start = RATE.sample_at(from_s + f64::from(click) * 60.0 / bpm).0 as usize;
        if start >= samples.len() {
            return samples;
        }
        for (at, sample) in samples[start..].iter_mut().take(960).enumerate() {
            let at = at as f32;
            *sample = 0.3 * (-at / 180.0).exp() * (at * 0.13).sin();
        }
    }
    samples
}

#[test]
fn a_sidechain_leads_the_threads_as_it_leads_the_command_line_and_silence_leads_nobody() {
    let voice = voice();
    let length_s = voice.len() as f64 / RATE.as_f64();
    let click = clicks(100.0, 0.2, length_s - 3.0);
    let (wanted, _) = offline_with_bars(&voice, &click, &live());
    let plain = offline(&voice, &live());
    assert_ne!(wanted.events, plain.events, "it is heard");
    for block in [64, 1000] {
        let around = Around { sidechain: &click, ..Around::default() };
        assert_same(&in_lock_step_amid(&voice, &live(), block, around), &wanted, &format!("block {block}"));
    }
    let silence = vec![0.0; voice.len()];
    assert_eq!(offline_with_bars(&voice, &silence, &live()).0, plain);
    let around = Around { sidechain: &silence, ..Around::default() };
    assert_same(&in_lock_step_amid(&voice, &live(), 333, around), &plain, "silence");
}

#[test]
fn what_is_said_while_singing_is_what_anchors_say_of_a_recording() {
    let voice = voice();
    let said: Vec<Anchor> =
        ["tap@2.003", "tap@2.651", "tap@3.3", "chorus@12.345", "bar-one@20.0071", "as-sung@24.5"]
            .map(|anchor| anchor.parse().expect("an anchor"))
            .to_vec();
    let wanted = offline(&voice, &Settings { anchors: said.clone(), ..live() });
    assert_ne!(wanted.events, offline(&voice, &live()).events, "what is said counts");
    for block in [64, 1000] {
        let played = in_lock_step_amid(&voice, &live(), block, Around { said: &said, ..Around::default() });
        assert_same(&played, &wanted, &format!("block {block}"));
    }
    let host = Settings { lead: Lead::Host, bpm: Some(Bpm(131.0)), ..live() };
    let wanted = offline(&voice, &Settings { anchors: said.clone(), ..host.clone() });
    let around = Around { host: Some(131.0), said: &said, ..Around::default() };
    assert_same(&in_lock_step_amid(&voice, &host, 333, around), &wanted, "host");
}

#[test]
fn a_long_deadline_and_the_hosts_bars_change_nothing_in_that() {
    let voice = voice();
    let timing = LiveTiming { deadline_s: 8192.0 / 48_000.0, ..LiveTiming::default() };
    let long = Settings { timing, ..live() };
    assert_same(&in_lock_step(&voice, &long, 8192, None), &offline(&voice, &long), "deadline");
    let hosted = Settings { lead: Lead::Host, bpm: Some(Bpm(92.0)), ..live() };
    assert_same(&in_lock_step(&voice, &hosted, 333, Some(92.0)), &offline(&voice, &hosted), "host");
}

/// Settings that differ in everything that may change while the band plays.
fn some_settings(rng: &mut Rng) -> Settings {
    let mut settings = live();
    settings.seed = Seed(rng.below(9) as u64);
    settings.style = crate::song::Style::ALL[rng.below(4)];
    settings.energy = rng.chance(0.5).then(|| rng.unit());
    settings.repairs.beat_level = rng.below(3) as i8 - 1;
    settings.repairs.bar_shift = rng.below(4) as i8;
    settings.parts = Part::ALL.into_iter().filter(|_| rng.chance(0.8)).collect();
    settings
}

/// Gives other settings now and then, and holds the listener up.
struct Restless(Rng);

impl Watcher for Restless {
    fn settings(&mut self) -> Option<Settings> {
        if self.0.chance(0.02) {
            std::thread::sleep(Duration::from_millis(self.0.below(30) as u64));
        }
        self.0.chance(0.003).then(|| some_settings(&mut self.0))
    }
    fn watch(&mut self, _: &mut Causal) {}
    fn ended(&mut self, session: Option<Session>) {
        if let Some(session) = session {
            assert!(session.score.bars > 0);
        }
    }
    fn failed(&mut self, error: &EngineError) {
        panic!("{error}");
    }
}

#[test]
fn whatever_the_threads_do_every_note_ends() {
    let voice = voice();
    let mut begun = 0;
    for seed in 0..6 {
        let mut rng = Rng::keyed(&[seed, 77]);
        // Nobody waits for the composer here: the quicker one is in time at least now and then.
        let settings = Settings { arranger: Arranger::Rules, ..live() };
        let config = crate::engine::listen_config(&settings, PitchMethod::Nsdf);
        let restless = Box::new(Restless(Rng::keyed(&[seed, 78])));
        let (mut feed, threads) = start(RATE, config, settings.clone(), restless).expect("threads");
        let mut player = Player::new(RATE, settings.seed);
        let mut sounding: Vec<NoteId> = Vec::new();
        let mut at = 0;
        while at < voice.len() {
            let block = (1 + rng.below(4096)).min(voice.len() - at);
            if rng.chance(0.002) {
                feed.restart();
                player.jump(SampleTime(0));
                sounding.clear();
            }
            feed.play_into(&mut player);
            player.render(
                block,
                &mut |event, _| match event.kind {
                    EventKind::NoteOn { id, .. } => {
                        assert!(!sounding.contains(&id), "seed {seed}: {id:?} begins twice");
                        sounding.push(id);
                        begun += 1;
                    }
                    EventKind::NoteOff { id } => {
                        let place = sounding.iter().position(|s| *s == id);
                        assert!(place.is_some(), "seed {seed}: {id:?} ends without a beginning");
                        sounding.swap_remove(place.unwrap_or(0));
                    }
                    _ => {}
                },
                &mut |_, _, left, right| {
                    assert!(left.iter().chain(right).all(|s| s.is_finite()), "seed {seed}");
                },
            );
            let before = feed.position();
            feed.feed(&voice[at..at + block], &voice[at..at + block], None);
            if feed.position() <= before {
                // The block was lost: time has begun anew.
                player.jump(SampleTime(0));
                sounding.clear();
            }
            // Sometimes the host is faster than real time, sometimes it waits.
            if rng.chance(0.3) {
                feed.wait();
            }
            at += block;
        }
        // Everything that sounds has its end on the way, or is let go by a restart.
        feed.wait();
        feed.play_into(&mut player);
        player.render(
            48_000 * 20,
            &mut |event, _| {
                if let EventKind::NoteOff { id } = event.kind {
                    sounding.retain(|s| *s != id);
                }
            },
            &mut |_, _, _, _| {},
        );
        let open = sounding.len();
        assert!(open <= 24, "seed {seed}: {open} notes sound on");
        assert!(!threads.is_dead(), "seed {seed}: a thread died");
    }
    // Where the host is far ahead of the threads, a run may be silent; not all of them.
    assert!(begun > 0, "nothing was played");
}

/// Runs a voice through the threads without waiting for them after every block; between two blocks `pause` may.
fn in_their_own_time(
    voice: &[f32],
    settings: &Settings,
    (watcher, before_answer): (Box<dyn Watcher>, Box<dyn FnMut() + Send>),
    block: usize,
    mut pause: impl FnMut(&Feed),
) -> (Vec<NoteEvent>, [u64; 3]) {
    let config = crate::engine::listen_config(settings, PitchMethod::Nsdf);
    let (mut feed, _threads) =
        start_with(RATE, config, settings.clone(), watcher, before_answer).expect("threads");
    let mut player = Player::new(RATE, settings.seed);
    let mut events = Vec::new();
    for chunk in voice.chunks(block) {
        feed.play_into(&mut player);
        player.render(chunk.len(), &mut |event, _| events.push(*event), &mut |_, _, _, _| {});
        feed.feed(chunk, chunk, None);
        pause(&feed);
    }
    let health = feed.health();
    let counts = [&health.late_follow, &health.late_plan, &health.dropped].map(|n| n.load(Ordering::Relaxed));
    (events, counts)
}

/// What was played differs from what is played offline in no more bars than the counters say.
fn assert_accounted(
    played: &[NoteEvent],
    (wanted, bars): &(Played, Vec<SampleTime>),
    [late_follow, late_plan, dropped]: [u64; 3],
    until: SampleTime,
    what: &str,
) {
    assert_eq!(dropped, 0, "{what}: the voice was lost");
    // The numbers of the notes count what was played: they differ from the first note on that does.
    let ons = |events: &[NoteEvent]| -> Vec<_> {
        let on = |event: &NoteEvent| match event.kind {
            EventKind::NoteOn { pitch, velocity, .. } if event.at < until => {
                Some((event.at, event.part, pitch, velocity))
            }
            _ => None,
        };
        events.iter().filter_map(on).collect()
    };
    let (a, b) = (ons(played), ons(&wanted.events));
    let differing = a.iter().filter(|on| !b.contains(on)).chain(b.iter().filter(|on| !a.contains(on)));
    // A player may be a little early: what lies close before a bar belongs to it.
    let early = SampleCount(RATE.0 as i64 / 8);
    let mut in_bars: Vec<usize> =
        differing.map(|on| bars.partition_point(|start| *start <= on.0 + early)).collect();
    in_bars.sort_unstable();
    in_bars.dedup();
    let most = late_follow + 2 * late_plan;
    assert!(
        in_bars.len() as u64 <= most,
        "{what}: bars {in_bars:?} differ, but only {late_follow} notes and {late_plan} plans were late"
    );
}

#[test]
fn what_slow_threads_change_is_counted() {
    let voice = voice();
    let settings = live();
    let wanted = offline_with_bars(&voice, &[], &settings);
    let until = SampleTime(voice.len() as i64 - 2 * 48_000);
    for seed in 0..4 {
        let (mut pauses, mut answers) = (Rng::keyed(&[seed, 79]), Rng::keyed(&[seed, 80]));
        let slow_answers = Box::new(move || {
            if answers.chance(0.1) {
                std::thread::sleep(Duration::from_millis(answers.below(40) as u64));
            }
        });
        let (played, counts) =
            in_their_own_time(&voice, &settings, (Box::new(Nobody(None)), slow_answers), 1024, |feed| {
                // Nearly always the threads are done in time.
                if pauses.chance(0.97) {
                    feed.wait();
                }
            });
        assert_accounted(&played, &wanted, counts, until, &format!("seed {seed} {counts:?}"));
    }
}

#[test]
fn in_real_time_the_band_plays_what_it_plays_offline_or_says_what_not() {
    let voice = &voice()[..14 * 48_000];
    let settings = live();
    let wanted = offline_with_bars(voice, &[], &settings);
    let until = SampleTime(voice.len() as i64 - 2 * 48_000);
    let begun = std::time::Instant::now();
    let mut fed = 0;
    let none = Box::new(|| {});
    let (played, counts) = in_their_own_time(voice, &settings, (Box::new(Nobody(None)), none), 512, |_| {
        fed += 512;
        let due = Duration::from_secs_f64(f64::from(fed) / 48_000.0);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    });
    assert!(played.len() > 30, "only {} events", played.len());
    assert_accounted(&played, &wanted, counts, until, &format!("{counts:?}"));
}

#[test]
fn a_voice_that_is_isolated_is_followed_as_the_command_line_follows_it() {
    let with_chords = |(index, sample): (usize, f32)| {
        let at_s = index as f64 / RATE.as_f64();
        let tones = [196.0, 247.0, 294.0].map(|hz| (std::f64::consts::TAU * hz * at_s).sin());
        sample + (0.03 * (-2.0 * (at_s % 0.5)).exp() * tones.iter().sum::<f64>()) as f32
    };
    // What the file's end decides comes after the song: then the chords go on alone.
    let sung = voice().into_iter().chain(std::iter::repeat_n(0.0, 4 * RATE.0 as usize));
    let mix: Vec<f32> = sung.enumerate().map(with_chords).collect();
    for isolate in [Isolate::On, Isolate::Auto] {
        let settings = Settings { isolate, ..live() };
        let played = in_lock_step(&mix, &settings, 480, None);
        assert_same(&played, &offline(&mix, &settings), &format!("{isolate:?}"));
        assert_ne!(played.events, in_lock_step(&mix, &live(), 480, None).events, "nothing was isolated");
    }
}
