//! What the parameters ask for, as the engine's settings.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use collavoce::score::{Key, Part};
use collavoce::song::{
    Arranger, Feel, Harmonist, Idiom, Isolate, Lead, LiveTiming, Mode, Repairs, Seed, Settings, Style,
    TakeChoice, ToneName, Tune, WhenStopped,
};
use collavoce::time::{Bpm, Meter, TICKS_PER_QUARTER};

use crate::params::{
    CollavoceParams, ComposerChoice, FeelChoice, HarmonyChoice, IsolateChoice, KEY_NAMES, LeadChoice,
    LookaheadChoice, MeterChoice, PartParams, StopChoice, StyleChoice, ToneChoice, TuneChoice,
};

/// What the host's time line says, written by the audio thread and read by the workers.
#[derive(Debug, Default)]
pub struct HostClock {
    /// Quarter notes a minute, as bits of an `f64`; 0 is unknown.
    quarters_per_minute: AtomicU64,
    /// Numerator and denominator of the time signature, 16 bits each; 0 is unknown.
    signature: AtomicU32,
    /// Largest block that the host has announced, in seconds, as bits of an `f64`.
    block_s: AtomicU64,
    /// Where the song stands, in seconds, as bits of an `f64`.
    song_s: AtomicU64,
    /// Whether the host plays.
    is_playing: AtomicBool,
}

impl HostClock {
    /// Says what the host says.
    pub fn tell(&self, quarters_per_minute: Option<f64>, signature: Option<(i32, i32)>, is_playing: bool) {
        let tempo = quarters_per_minute.filter(|tempo| tempo.is_finite() && *tempo > 0.0).unwrap_or(0.0);
        self.quarters_per_minute.store(tempo.to_bits(), Ordering::Relaxed);
        let packed = signature
            .map_or(0, |(above, below)| (above.clamp(0, 255) as u32) << 16 | below.clamp(0, 255) as u32);
        self.signature.store(packed, Ordering::Relaxed);
        self.is_playing.store(is_playing, Ordering::Relaxed);
    }

    /// Says how large the host's blocks are at most.
    pub fn tell_block(&self, seconds: f64) {
        self.block_s.store(seconds.to_bits(), Ordering::Relaxed);
    }

    /// Says where the song stands.
    pub fn tell_song(&self, seconds: f64) {
        self.song_s.store(seconds.to_bits(), Ordering::Relaxed);
    }

    /// Where the song stands, in seconds.
    pub fn song_s(&self) -> f64 {
        f64::from_bits(self.song_s.load(Ordering::Relaxed))
    }

    /// Whether the host plays.
    pub fn is_playing(&self) -> bool {
        self.is_playing.load(Ordering::Relaxed)
    }

    fn quarters_per_minute(&self) -> Option<f64> {
        Some(f64::from_bits(self.quarters_per_minute.load(Ordering::Relaxed))).filter(|tempo| *tempo > 0.0)
    }

    fn meter(&self) -> Option<Meter> {
        let packed = self.signature.load(Ordering::Relaxed);
        host_meter(Some((packed >> 16) as i32), Some((packed & 0xffff) as i32))
    }
}

/// The metre that holds: the parameter's, or the host's where it leads.
pub fn meter_of(params: &CollavoceParams, host: Option<Meter>) -> Option<Meter> {
    let stated = match params.meter.value() {
        MeterChoice::Auto => None,
        MeterChoice::FourFour => Some(Meter::FOUR_FOUR),
        MeterChoice::ThreeFour => Some(Meter::THREE_FOUR),
        MeterChoice::TwoFour => Some(Meter::TWO_FOUR),
        MeterChoice::TwoTwo => Some(Meter::TWO_TWO),
        MeterChoice::SixEight => Some(Meter::SIX_EIGHT),
        MeterChoice::TwelveEight => Some(Meter::TWELVE_EIGHT),
        MeterChoice::FiveFour => Some(Meter::FIVE_FOUR),
    };
    stated.or(host.filter(|_| params.lead.value() == LeadChoice::Host))
}

/// Beats of a metre in a quarter note.
pub fn beats_per_quarter(meter: Meter) -> f64 {
    TICKS_PER_QUARTER as f64 / meter.beat().0 as f64
}

/// The metre of a host's time signature, where the engine knows it.
pub fn host_meter(numerator: Option<i32>, denominator: Option<i32>) -> Option<Meter> {
    match (numerator?, denominator?) {
        (4, 4) => Some(Meter::FOUR_FOUR),
        (3, 4) => Some(Meter::THREE_FOUR),
        (2, 4) => Some(Meter::TWO_FOUR),
        (2, 2) => Some(Meter::TWO_TWO),
        (6, 8) => Some(Meter::SIX_EIGHT),
        (12, 8) => Some(Meter::TWELVE_EIGHT),
        (5, 4) => Some(Meter::FIVE_FOUR),
        _ => None,
    }
}

/// Look-ahead in seconds.
pub fn lookahead_s(params: &CollavoceParams) -> f64 {
    match params.lookahead.value() {
        LookaheadChoice::None => 0.0,
        LookaheadChoice::Ms50 => 0.05,
        LookaheadChoice::Ms200 => 0.2,
        LookaheadChoice::Ms500 => 0.5,
    }
}

/// The knobs of a part.
pub fn part_params(params: &CollavoceParams, part: Part) -> &PartParams {
    match part {
        Part::Guitar => &params.guitar,
        Part::Drums => &params.drums,
        Part::Strings => &params.strings,
        Part::Bass => &params.bass,
    }
}

/// The settings that the parameters ask for. `lookahead_s` is that of the activation, which the parameter may have left
/// behind since.
pub fn settings(params: &CollavoceParams, clock: &HostClock, mode: Mode, lookahead_s: f64) -> Settings {
    let lead = match params.lead.value() {
        LeadChoice::Voice => Lead::Voice,
        LeadChoice::Host => Lead::Host,
    };
    let meter = meter_of(params, clock.meter());
    let is_live = mode == Mode::Live;
    let stated = Some(f64::from(params.bpm.value())).filter(|bpm| *bpm >= collavoce::limits::MIN_BPM);
    let bpm = match lead {
        Lead::Host => {
            let quarters = clock.quarters_per_minute().or(stated).unwrap_or(120.0);
            Some(quarters * beats_per_quarter(meter.unwrap_or(Meter::FOUR_FOUR)))
        }
        _ => stated,
    };
    let key = KEY_NAMES.get(params.key.value() as usize).filter(|_| params.key.value() > 0);
    let parts = Part::ALL.into_iter();
    Settings {
        mode,
        bpm: bpm.map(Bpm),
        key: key.and_then(|name| name.parse::<Key>().ok()),
        meter,
        feel: match params.feel.value() {
            // A beat of three parts has no swing.
            FeelChoice::Swing if meter.is_some_and(Meter::is_compound) => Feel::Straight,
            FeelChoice::Straight => Feel::Straight,
            FeelChoice::Swing => Feel::Swing,
            FeelChoice::Half => Feel::Half,
            FeelChoice::Double => Feel::Double,
        },
        lead,
        // A part that is off is written all the same and kept silent: turning it on again is heard at once.
        parts: parts.clone().collect(),
        seed: Seed(params.seed.value().max(0) as u64),
        takes: parts
            .clone()
            .filter_map(|part| {
                let take = part_params(params, part).take.value().max(1) as u32;
                (take != 1).then_some(TakeChoice { part: Some(part), bar: None, take })
            })
            .collect(),
        energy: (!params.energy_follow.value()).then(|| f64::from(params.energy.value())),
        style: match params.style.value() {
            StyleChoice::Folk => Style::Folk,
            StyleChoice::Pop => Style::Pop,
            StyleChoice::Ballad => Style::Ballad,
            StyleChoice::Jazz => Style::Jazz,
        },
        tone: match params.tone.value() {
            ToneChoice::Auto => ToneName::Auto,
            ToneChoice::AcousticBallad => ToneName::AcousticBallad,
            ToneChoice::Indie => ToneName::Indie,
            ToneChoice::Folk => ToneName::Folk,
            ToneChoice::Soul => ToneName::Soul,
            ToneChoice::Rock => ToneName::Rock,
            ToneChoice::Orchestral => ToneName::Orchestral,
            ToneChoice::Jazz => ToneName::Jazz,
            ToneChoice::LoFi => ToneName::LoFi,
        },
        harmonist: match params.composer.value() {
            ComposerChoice::Model => Harmonist::Model,
            ComposerChoice::Rules => Harmonist::Rules,
        },
        arranger: match params.players.value() {
            ComposerChoice::Model => Arranger::Model,
            ComposerChoice::Rules => Arranger::Rules,
        },
        idiom: match params.harmony.value() {
            HarmonyChoice::Style => Idiom::Style,
            HarmonyChoice::Folk => Idiom::Folk,
            HarmonyChoice::TinPanAlley => Idiom::TinPanAlley,
            HarmonyChoice::ArtSong => Idiom::ArtSong,
            HarmonyChoice::Chorale => Idiom::Chorale,
        },
        chord_take: params.chord_take.value().max(1) as u32,
        chart: None,
        fixed: Vec::new(),
        intro_bars: 0,
        outro_bars: 0,
        tune: match params.tune.value() {
            TuneChoice::Singer => Tune::Singer,
            TuneChoice::Fixed => Tune::Cents(f64::from(params.cents.value())),
        },
        rubato: f64::from(params.rubato.value()),
        density: parts
            .filter_map(|part| {
                let density = f64::from(part_params(params, part).density.value());
                (density != 0.5).then_some((part, density))
            })
            .collect(),
        daring: f64::from(params.daring.value()),
        when_stopped: match params.when_i_stop.value() {
            StopChoice::PlayOn => WhenStopped::PlayOn,
            StopChoice::Vamp => WhenStopped::Vamp,
            StopChoice::Wait => WhenStopped::Wait,
        },
        timing: match mode {
            // A known take has no deadlines: settings that differ in them alone are the same.
            Mode::Studio => LiveTiming::default(),
            Mode::Live => LiveTiming {
                deadline_s: f64::from_bits(clock.block_s.load(Ordering::Relaxed))
                    .max(LiveTiming::MIN_DEADLINE_S),
                lookahead_s,
                round_trip_s: f64::from(params.round_trip.value()) / 1000.0,
            },
        },
        bar_one_s: None,
        count_in_bars: match (lead, mode, bpm) {
            (Lead::Voice, Mode::Live, Some(_)) => params.count_in.value().max(0).cast_unsigned(),
            _ => 0,
        },
        known: None,
        anchors: Vec::new(),
        // A known take was heard already.
        hears_band: is_live && params.speakers.value(),
        isolate: match params.isolate.value() {
            IsolateChoice::Off => Isolate::Off,
            IsolateChoice::Auto => Isolate::Auto,
            IsolateChoice::On => Isolate::On,
        },
        // Every part has a switch of its own.
        fills_in: false,
        beside: Vec::new(),
        repairs: Repairs {
            beat_level: params.beat_level.value() as i8,
            bar_shift: params.bar_shift.value() as i8,
            key_choice: params.key_choice.value() as u8,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_as_they_come_ask_for_what_the_command_line_does_without_options() {
        let asked = settings(&CollavoceParams::default(), &HostClock::default(), Mode::Studio, 0.0);
        assert_eq!(asked, Settings { outro_bars: 0, ..Settings::default() });
    }

    #[test]
    fn every_key_is_one_that_the_engine_reads() {
        assert!(KEY_NAMES[1..].iter().all(|name| name.parse::<Key>().is_ok()));
    }

    #[test]
    fn a_metre_that_the_engine_does_not_know_is_left_to_be_found() {
        for meter in Meter::ALL {
            let clock = HostClock::default();
            let (above, below) = (i32::from(meter.count()), i32::from(meter.unit()));
            clock.tell(Some(120.0), Some((above, below)), true);
            assert_eq!(clock.meter(), Some(meter));
        }
        for signature in [None, Some((7, 8)), Some((0, 0)), Some((-3, 4)), Some((i32::MAX, 4))] {
            let clock = HostClock::default();
            clock.tell(None, signature, true);
            assert_eq!(clock.meter(), None);
        }
    }
}
