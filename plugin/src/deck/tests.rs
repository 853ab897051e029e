//! What a deck plays and what comes of it at the desk.

use std::sync::Arc;

use collavoce::audio::Resampler;
use collavoce::engine::{listen_config, live};
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::song::{Anchor, Mode, Settings, Song};
use nice_plug::prelude::Param as _;

use super::*;
use crate::desk::{Common, Desk};
use crate::params::IsolateChoice;
use crate::saved;
use crate::watch::LiveWatch;

const RATE: Hz = Hz(48_000);
const BLOCK: usize = 480;

/// A note that began: sample and key.
type Begun = (i64, u8);

/// A desk, and a deck that is connected with it.
struct Stage {
    common: Arc<Common>,
    desk: Desk,
    settings: Settings,
    deck: Deck,
    notes: NoteOutput,
}

impl Stage {
    fn set() -> Self {
        let common = Arc::new(Common::new(Arc::default(), Arc::default()));
        let desk = Desk::open(common.clone()).expect("a thread");
        let settings = common.asked(Mode::Live, 0.0);
        let watch = Box::new(LiveWatch::new(common.clone(), 0.0));
        let config = listen_config(&settings, PitchMethod::Nsdf);
        let started = live::start(RATE, config, settings.clone(), watch).expect("threads");
        let (deck_end, desk_end) =
            connect(RATE, Sounds::default(), common.appointments.clone(), desk.thread().expect("it is open"));
        common.attach(desk_end);
        let deck = Deck::new(RATE, BLOCK, 0, (settings.seed, &Sounds::default()), started, deck_end);
        Self { common, desk, settings, deck, notes: NoteOutput::default() }
    }

    /// Waits until the desk has done what there is to do.
    fn settle(&self) {
        self.common.appointments.wait(&self.desk.thread().expect("it is open"));
    }

    /// Plays a block in place of what comes in; the notes that begin in it.
    fn play(&mut self, at: i64, [left, right]: [&mut [f32]; 2], is_singing: bool) -> Vec<Begun> {
        let info = BlockInfo {
            is_playing: is_singing,
            position: is_singing.then_some(at),
            has_time_line: true,
            beats: None,
            is_studio: false,
            is_offline: true,
            is_capturing: is_singing,
            is_bypassed: false,
            isolate: IsolateChoice::Off,
            song_offset: 0,
            voice_level: 1.0,
            part_levels: [1.0; 4],
        };
        let mut audio = BlockAudio { main: [left, right], sidechain: None, stems: [None, None, None, None] };
        let mut begun = Vec::new();
        self.deck.process(&info, &mut audio, &mut self.notes, &mut |event| {
            if let nice_plug::prelude::NoteEvent::NoteOn { timing, key, .. } = event
                && let nice_plug::midi::Key::Number(key) = key
            {
                begun.push((at + i64::from(timing), key));
            }
            true
        });
        begun
    }
}

#[test]
fn the_way_from_the_output_to_the_input_is_measured_and_nothing_else_sounds_meanwhile() {
    let mut stage = Stage::set();
    let said = |stage: &Stage| stage.common.shared.view().message.clone();
    // A cable of 23 ms, cut by and by.
    for (delay, gain) in [(1_104, 0.3), (1_104, 0.0)] {
        stage.common.shared.ask(crate::view::Command::MeasureRoundTrip);
        stage.settle();
        let mut on_its_way = std::collections::VecDeque::from(vec![0.0f32; delay]);
        let mut loudest = 0.0f32;
        for _ in 0..240 {
            while on_its_way.len() < BLOCK {
                on_its_way.push_back(0.0);
            }
            let mut left: Vec<f32> = on_its_way.drain(..BLOCK).map(|sample| gain * sample).collect();
            let mut right = left.clone();
            stage.play(0, [&mut left, &mut right], false);
            loudest = left.iter().fold(loudest, |most, sample| most.max(sample.abs()));
            on_its_way.extend(&left);
        }
        stage.settle();
        stage.settle();
        assert!((0.09..0.11).contains(&loudest), "sweeps of {loudest}");
        let measured = stage.common.shared.take_round_trip();
        if gain > 0.0 {
            let ms = measured.unwrap_or_else(|| panic!("nothing was measured: {}", said(&stage)));
            assert!((ms - 23.0).abs() < 0.1, "{ms} ms");
            assert!(said(&stage).contains("23.0 ms"), "{}", said(&stage));
        } else {
            assert_eq!(measured, None);
            assert!(said(&stage).contains("No click came back"), "{}", said(&stage));
        }
    }
}

/// Captures a live pass in which something is said; what the band played, and the song of it.
fn captured(voice: &[f32], said: &[Anchor]) -> (Settings, Vec<Begun>, Song) {
    let mut stage = Stage::set();
    // A desk that hears nothing for a while takes the capture for over, unless it is switched on.
    let capture = stage.common.params.capture.as_ptr();
    // SAFETY: the stage keeps the parameter alive.
    let switch = |on: f32| unsafe { capture._internal_set_normalized_value(on) };
    switch(1.0);
    let mut begun = Vec::new();
    let mut said = said.iter().copied().peekable();
    let rest = [0.0; BLOCK];
    for (index, chunk) in voice.chunks(BLOCK).chain(std::iter::once(&rest[..])).enumerate() {
        let at = (index * BLOCK) as i64;
        while let Some(anchor) = said.next_if(|said| RATE.sample_at(said.at_s).0 < at + BLOCK as i64) {
            stage.deck.say(anchor.gesture, (RATE.sample_at(anchor.at_s).0 - at) as u32);
        }
        let (mut left, mut right) = (chunk.to_vec(), chunk.to_vec());
        let is_singing = index * BLOCK < voice.len();
        begun.extend(stage.play(at, [&mut left, &mut right], is_singing));
    }
    switch(0.0);
    stage.settle();
    let song = saved::unpack(&stage.common.params.song.get()).expect("it can be read").expect("a song");
    (stage.settings.clone(), begun, song)
}

#[test]
fn what_is_said_in_a_live_pass_stays_with_its_song_and_makes_the_same_pass_again() {
    let voice = collavoce::sing::demo().sing(RATE).expect("a voice").samples;
    let voice = &voice[..voice.len() / BLOCK * BLOCK];
    let said = ["tap@2.003", "tap@2.651", "tap@3.3", "chorus@12.345", "bar-one@20.0071"]
        .map(|anchor| anchor.parse::<Anchor>().expect("an anchor"));
    let (settings, begun, song) = captured(voice, &said);
    let anchors = &song.settings.anchors;
    assert_eq!(anchors.len(), said.len());
    for (kept, said) in anchors.iter().zip(&said) {
        assert_eq!(kept.gesture, said.gesture);
        assert!((kept.at_s - said.at_s).abs() < 1e-4, "{kept:?} was said as {said:?}");
    }
    assert_eq!(Song::from_bytes(&song.to_bytes().expect("bytes")).expect("a song"), song);
    assert!(song.score.sections.iter().any(|section| section.label == "Chorus"));

    let mut slow = Vec::new();
    let mut resampler = Resampler::streaming(RATE, Hz(LISTEN_HZ), 1).expect("a resampler");
    resampler.push(voice, &mut slow);
    resampler.finish(&mut slow);
    let replayed = |anchors: &[Anchor]| -> Vec<Begun> {
        let settings = Settings { anchors: anchors.to_vec(), ..settings.clone() };
        let session = collavoce::engine::run(&slow, &settings, PitchMethod::Nsdf, &mut |_| {});
        let events = session.expect("a session").performance(&settings, RATE);
        let on = |event: &NoteEvent| match event.kind {
            EventKind::NoteOn { pitch, .. } => Some((event.at.0, pitch.0)),
            _ => None,
        };
        events.iter().filter_map(on).collect()
    };
    // The end of a file decides its last beats.
    let until = voice.len() as i64 - 2 * 48_000;
    let before = |mut notes: Vec<Begun>| {
        notes.retain(|(at, _)| *at < until);
        notes.sort_unstable();
        notes
    };
    let begun = before(begun);
    assert!(begun.len() > 300, "{} notes", begun.len());
    assert_eq!(before(replayed(anchors)), begun);
    assert_ne!(before(replayed(&[])), begun, "what was said counts");
}
