//! The plugin plays what the command line writes: the same notes at the same samples, and the same stems.

use std::path::Path;

use collavoce::audio::Resampler;
use collavoce::bounce::{BounceRequest, bounce};
use collavoce::engine::{self, BandRenderer, Session};
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::perform::{EventKind, NoteEvent};
use collavoce::score::Part;
use collavoce::song::{Isolate, LiveTiming, Mode, Settings};
use collavoce::time::Hz;
use collavoce_hosts::{Activation, Heard, both, demo_voice};

/// Where the voice begins on the host's time line: room for an introduction.
const VOICE_S: i64 = 4;

/// What is to be heard.
struct Wanted {
    /// Sample, channel, key, velocity.
    ons: Vec<(i64, u8, u8, u8)>,
    stems: [[Vec<f32>; 2]; 4],
}

impl Wanted {
    /// What a session sounds like.
    fn of(session: &Session, settings: &Settings, rate: u32, frames: usize) -> Self {
        let events = session.performance(settings, Hz(rate));
        let ons = events.iter().filter_map(|event| on(event, frames)).collect();
        let mut stems: [[Vec<f32>; 2]; 4] = Default::default();
        let mut renderer = BandRenderer::new(&events, &Part::ALL, Hz(rate), settings.seed, 1024);
        while stems[0][0].len() < frames {
            renderer.render(frames - stems[0][0].len(), &mut |part, left, right| {
                stems[part.index()][0].extend_from_slice(left);
                stems[part.index()][1].extend_from_slice(right);
            });
        }
        for side in stems.iter_mut().flatten() {
            side.truncate(frames);
        }
        Self { ons, stems }
    }
}

fn on(event: &NoteEvent, frames: usize) -> Option<(i64, u8, u8, u8)> {
    let at = event.at.0;
    match event.kind {
        EventKind::NoteOn { pitch, velocity, .. } if (0..frames as i64).contains(&at) => {
            Some((at, event.part.midi_channel(), pitch.0, velocity.get()))
        }
        _ => None,
    }
}

fn wav(folder: &Path, voice: &[f32], rate: u32) -> anyhow::Result<std::path::PathBuf> {
    let path = folder.join("voice.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec)?;
    for sample in voice {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(path)
}

/// Compares up to a sample.
fn assert_same(heard: &Heard, wanted: &Wanted, until: usize, what: &str) {
    let before = |ons: &[(i64, u8, u8, u8)]| {
        let mut ons: Vec<_> = ons.iter().filter(|on| on.0 < until as i64).copied().collect();
        ons.sort_unstable();
        ons
    };
    let (a, b) = (before(&heard.ons()), before(&wanted.ons));
    assert!(b.len() > 200, "{what}: only {} notes", b.len());
    for (one, other) in a.iter().zip(&b) {
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(a.len(), b.len(), "{what}");
    for (stem, name) in collavoce_hosts::STEMS.iter().enumerate() {
        for side in 0..2 {
            let (a, b) = (&heard.stems[stem][side][..until], &wanted.stems[stem][side][..until]);
            let first = a.iter().zip(b).position(|(a, b)| a != b);
            assert_eq!(first, None, "{what}: {name} differs from this sample on");
        }
    }
}

#[test]
fn an_offline_bounce_of_a_capture_is_what_the_command_line_writes() -> anyhow::Result<()> {
    for rate in [44_100, 48_000] {
        let voice = demo_voice(rate);
        let folder = tempfile::tempdir()?;
        // As the command line asks without options.
        let settings = Settings { outro_bars: 0, ..Settings::default() };
        let request = BounceRequest::new(
            wav(folder.path(), &voice, rate)?,
            folder.path().join("out"),
            settings.clone(),
        );
        let report = bounce(&request, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
        let pad = Hz(rate).sample_at(report.session.pad_s).0;
        let origin = VOICE_S * i64::from(rate) - pad;
        let padded = [vec![0.0; pad as usize], voice.clone()].concat();
        let wanted = Wanted::of(&report.session, &settings, rate, padded.len());
        for mut plugin in both()? {
            for block in [333, 1024] {
                plugin.activate(Activation { rate, max_block: block, is_offline: true })?;
                plugin.capture(&voice, VOICE_S * i64::from(rate), block)?;
                let mut heard = Heard::default();
                plugin.play(&padded, origin, 120.0, block, &mut heard)?;
                let what = format!("{} at {rate} Hz in blocks of {block}", plugin.format());
                assert_same(&heard, &wanted, padded.len(), &what);
            }
        }
    }
    Ok(())
}

#[test]
fn the_live_band_in_lock_step_is_the_command_lines_live_mode() -> anyhow::Result<()> {
    live_is_live(&demo_voice(48_000), Isolate::Off, &[64, 1024, 8192])
}

#[test]
fn a_rough_demo_is_followed_as_the_command_line_follows_it_and_passes_as_it_is() -> anyhow::Result<()> {
    let with_chords = |(index, sample): (usize, f32)| {
        let at_s = index as f64 / 48_000.0;
        let tones = [196.0, 247.0, 294.0].map(|hz| (std::f64::consts::TAU * hz * at_s).sin());
        sample + (0.03 * (-2.0 * (at_s % 0.5)).exp() * tones.iter().sum::<f64>()) as f32
    };
    // What the file's end decides comes after the song: then the chords go on alone.
    let sung = demo_voice(48_000).into_iter().chain(std::iter::repeat_n(0.0, 4 * 48_000));
    let demo: Vec<f32> = sung.enumerate().map(with_chords).collect();
    live_is_live(&demo, Isolate::On, &[512])?;
    for mut plugin in both()? {
        plugin.set("Isolate", "on")?;
        for part in ["Guitar on", "Drums on", "Strings on", "Bass on"] {
            plugin.set(part, "Off")?;
        }
        plugin.activate(Activation { rate: 48_000, max_block: 512, is_offline: true })?;
        assert_eq!(plugin.latency()?, 0, "{}", plugin.format());
        let (mut heard, beginning) = (Heard::default(), &demo[..10 * 48_000]);
        plugin.play(beginning, 0, 120.0, 512, &mut heard)?;
        assert!(heard.main[0] == beginning, "{}: what comes in goes out", plugin.format());
    }
    Ok(())
}

/// Compares the plugin, offline and in blocks of some sizes, with the command line's live mode.
fn live_is_live(voice: &[f32], isolate: Isolate, blocks: &[usize]) -> anyhow::Result<()> {
    let rate = 48_000;
    for &block in blocks {
        let deadline_s = (block as f64 / f64::from(rate)).max(LiveTiming::MIN_DEADLINE_S);
        let timing = LiveTiming { deadline_s, ..LiveTiming::default() };
        let settings = Settings { mode: Mode::Live, timing, isolate, ..Settings::default() };
        let mut slow = Vec::new();
        let mut resampler = Resampler::streaming(Hz(rate), Hz(LISTEN_HZ), 1)?;
        resampler.push(voice, &mut slow);
        resampler.finish(&mut slow);
        let session = engine::run(&slow, &settings, PitchMethod::Nsdf, &mut |_| {})?;
        let wanted = Wanted::of(&session, &settings, rate, voice.len());
        for mut plugin in both()? {
            plugin.set("Isolate", if isolate == Isolate::On { "on" } else { "off" })?;
            plugin.activate(Activation { rate, max_block: block, is_offline: true })?;
            let mut heard = Heard::default();
            plugin.play(voice, 0, 120.0, block, &mut heard)?;
            // Where a file ends its last beat is known, where a voice ends it is not.
            let until = voice.len() - 2 * rate as usize;
            assert_same(&heard, &wanted, until, &format!("{} in blocks of {block}", plugin.format()));
        }
    }
    Ok(())
}
