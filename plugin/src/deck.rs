//! The audio thread's side of an instance: which band plays, from where, into which outputs.
//!
//! [`Deck::process`] allocates nothing, frees nothing, locks nothing, and waits only where the render is offline.

mod capture;
mod link;
mod measure;
#[cfg(test)]
mod tests;

use collavoce::engine::live::{Beside, Feed, LiveThreads};
use collavoce::engine::{MAX_STATE, Player, ready};
use collavoce::instrument::Sounds;
use collavoce::listen::RoundTripProbe;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::Part;
use collavoce::song::{Gesture, Seed};
use collavoce::time::{Hz, SampleCount, SampleTime};

use self::capture::Saying;
pub use self::link::{Appointments, CaptureStamp, DeckEnd, DeskEnd, Loaded, connect};
use crate::notes_out::{NoteOutput, Send};
use crate::params::IsolateChoice;

/// Notes that sound at once in the whole band, at most.
const MAX_OPEN: usize = 512;
/// Time in which a level moves most of the way, in seconds.
const LEVEL_S: f32 = 0.01;
/// A listener that is so far behind is not in real time, in seconds.
const BEHIND_S: f64 = 0.5;

/// What the host and the parameters say about a block.
#[derive(Debug, Clone, Copy)]
pub struct BlockInfo {
    /// Whether the transport plays.
    pub is_playing: bool,
    /// Where it stands, in samples, while it plays.
    pub position: Option<i64>,
    /// Whether the host has a time line at all.
    pub has_time_line: bool,
    /// Beats of the metre since a bar line, and beats a minute, where the host says both.
    pub beats: Option<(f64, f64)>,
    /// Whether the known song is to play, if there is one.
    pub is_studio: bool,
    /// Whether the render may wait.
    pub is_offline: bool,
    /// Whether the voice is captured.
    pub is_capturing: bool,
    /// Whether the plugin is bypassed.
    pub is_bypassed: bool,
    /// Whether the live band is to take the voice out of what it is sung with: it begins anew where that changes.
    pub isolate: IsolateChoice,
    /// How much later the song lies than where it was captured, in samples.
    pub song_offset: i64,
    /// Level of the voice in the main output.
    pub voice_level: f32,
    /// Levels of the parts; 0 is off.
    pub part_levels: [f32; 4],
}

/// The channels of a block.
pub struct BlockAudio<'a> {
    /// Voice in, main out.
    pub main: [&'a mut [f32]; 2],
    /// The sidechain, where the host has one.
    pub sidechain: Option<[&'a [f32]; 2]>,
    /// The stems, as far as the host wants them, in the order of [`Part::ALL`].
    pub stems: [Option<[&'a mut [f32]; 2]>; 4],
}

/// Which band plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Live,
    Song,
    Nothing,
}

/// See the module.
#[derive(Debug)]
pub struct Deck {
    rate: Hz,
    /// Delay of voice and stems, in samples.
    latency: i64,
    /// The instruments of the live band.
    live: Player,
    feed: Feed,
    threads: LiveThreads,
    end: DeckEnd,
    song: Option<Box<Loaded>>,
    /// A song that found no room on its way back.
    retired: Option<Box<Loaded>>,
    source: Source,
    next_event: usize,
    was_playing: bool,
    expected: Option<i64>,
    was_capturing: bool,
    isolated: IsolateChoice,
    saying: Saying,
    probe: RoundTripProbe,
    /// Samples since activation, for hosts that do not say where they are.
    free_running: i64,
    state: Vec<NoteEvent>,
    /// Notes that sound: part, id, key.
    open: Vec<(Part, NoteId, u8)>,
    delay: [Vec<f32>; 2],
    delay_at: usize,
    input: [Vec<f32>; 2],
    sidechain: [Vec<f32>; 2],
    /// The band in the main output.
    band: [Vec<f32>; 2],
    levels: [f32; 5],
    overruns: u64,
}

/// What the deck tells after a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Where the song or the live time line stands, in seconds.
    pub song_s: f64,
    /// Blocks in which the host was faster than real time without saying so.
    pub overruns: u64,
    /// Whether the known song plays.
    pub is_song: bool,
}

impl Deck {
    /// A deck at a sample rate. `max_block` is the largest block of the host.
    pub fn new(
        rate: Hz,
        max_block: usize,
        latency: usize,
        (seed, sounds): (Seed, &Sounds),
        (feed, threads): (Feed, LiveThreads),
        end: DeckEnd,
    ) -> Self {
        let block = max_block.clamp(1, collavoce::limits::MAX_BLOCK);
        let mut deck = Self {
            rate,
            latency: latency as i64,
            live: Player::with_sounds(rate, seed, sounds),
            feed,
            threads,
            end,
            song: None,
            retired: None,
            source: Source::Nothing,
            next_event: 0,
            was_playing: false,
            expected: None,
            was_capturing: false,
            isolated: IsolateChoice::Off,
            saying: Saying::default(),
            probe: RoundTripProbe::new(rate),
            free_running: 0,
            state: Vec::with_capacity(MAX_STATE + 1),
            open: Vec::with_capacity(MAX_OPEN),
            delay: [ready::zeros(latency), ready::zeros(latency)],
            delay_at: 0,
            input: [ready::zeros(block), ready::zeros(block)],
            sidechain: [ready::zeros(block), ready::zeros(block)],
            band: [ready::zeros(block), ready::zeros(block)],
            levels: [f32::NAN; 5],
            overruns: 0,
        };
        deck.live.jump(SampleTime(-deck.latency));
        deck
    }

    /// The counters of the live band.
    pub fn health(&self) -> &collavoce::engine::live::Health {
        self.feed.health()
    }

    /// Whether the live band's threads have died.
    pub fn is_dead(&self) -> bool {
        self.threads.is_dead()
    }

    /// Says what the singer says some samples into the next block.
    pub fn say(&mut self, gesture: Gesture, after: u32) {
        self.saying.say(gesture, after);
    }

    /// Plays a block. Its events go to `send`, whatever was sounding at the host is kept in `notes`.
    pub fn process(
        &mut self,
        info: &BlockInfo,
        audio: &mut BlockAudio<'_>,
        notes: &mut NoteOutput,
        send: &mut Send<'_>,
    ) -> Told {
        notes.settle(send);
        let frames = audio.main[0].len().min(audio.main[1].len());
        let most = self.input[0].len();
        let mut done = 0;
        while done < frames {
            let len = (frames - done).min(most);
            let passed_s = done as f64 / self.rate.as_f64();
            let info = BlockInfo {
                position: info.position.map(|at| at + if info.is_playing { done as i64 } else { 0 }),
                beats: info.beats.map(|(beats, bpm)| (beats + passed_s * bpm / 60.0, bpm)),
                ..*info
            };
            let [left, right] = &mut audio.main;
            let mut part = BlockAudio {
                main: [&mut left[done..done + len], &mut right[done..done + len]],
                sidechain: audio
                    .sidechain
                    .map(|sides| sides.map(|side| side.get(done..done + len).unwrap_or(&[]))),
                stems: audio.stems.each_mut().map(|stem| {
                    stem.as_mut().map(|[l, r]| [&mut l[done..done + len], &mut r[done..done + len]])
                }),
            };
            self.process_piece(&info, &mut part, done as u32, notes, send);
            done += len;
        }
        let song_s = match self.source {
            Source::Live => self.feed.position().seconds(self.rate),
            Source::Song | Source::Nothing => self.player().position().seconds(self.rate),
        };
        Told { song_s, overruns: self.overruns, is_song: self.source == Source::Song }
    }

    fn process_piece(
        &mut self,
        info: &BlockInfo,
        audio: &mut BlockAudio<'_>,
        timing: u32,
        notes: &mut NoteOutput,
        send: &mut Send<'_>,
    ) {
        let len = audio.main[0].len();
        for (kept, given) in self.input.iter_mut().zip(&audio.main) {
            keep(kept, given);
        }
        self.hear_sweeps(len);
        let beside = audio.sidechain.unwrap_or_default();
        for (kept, given) in self.sidechain.iter_mut().zip(beside) {
            keep(kept, given);
        }
        let beside = beside[0].len().min(beside[1].len()).min(len);
        let isolates_anew = std::mem::replace(&mut self.isolated, info.isolate) != info.isolate;
        let jumped = isolates_anew && self.source == Source::Live
            || info.is_playing != self.was_playing
            || (info.is_playing && info.position.is_some() && info.position != self.expected);
        let captures = info.is_capturing && (info.is_playing || !info.has_time_line);
        let said = self.saying.take(jumped || captures && !self.was_capturing);
        if captures {
            self.capture(info, len, said, jumped);
        } else {
            self.end_capture();
        }
        if info.is_offline {
            self.end.appointments.wait(&self.end.desk);
        }
        let has_new_song = self.take_song();
        let source = match () {
            () if info.is_bypassed => Source::Nothing,
            () if info.is_studio && self.song.is_some() => Source::Song,
            () => Source::Live,
        };
        if jumped || source != self.source || (has_new_song && source == Source::Song) {
            notes.all_off(timing, send);
            self.open.clear();
            self.change_to(source);
            self.begin(info);
        }
        self.was_playing = info.is_playing;
        self.expected = info.position.map(|at| at + if info.is_playing { len as i64 } else { 0 });
        match source {
            Source::Live => self.feed.play_into(&mut self.live),
            Source::Song if info.is_playing => self.push_due(len),
            _ => {}
        }
        self.play(info, audio, timing, notes, send);
        self.play_sweeps(audio);
        if source == Source::Live {
            self.feed.set_may_wait(info.is_offline);
            let before = self.feed.position();
            let [voice, band] =
                [&self.input, &self.band].map(|pair| pair.each_ref().map(|side| &side[..len]));
            let sidechain = self.sidechain.each_ref().map(|side| &side[..beside]);
            said.into_iter().flatten().for_each(|(gesture, after)| self.feed.say(gesture, after));
            self.feed.feed_beside(voice, Beside { band, sidechain }, info.beats);
            if self.feed.position() <= before {
                // The listener has no room: time begins anew.
                notes.all_off(timing, send);
                self.open.clear();
                self.live.jump(SampleTime(-self.latency));
            }
            if info.is_offline {
                self.feed.wait();
            } else if self.feed.behind_s() > BEHIND_S {
                self.overruns += 1;
            }
        }
        self.free_running += len as i64;
    }

    /// The instruments that sound.
    fn player(&mut self) -> &mut Player {
        sounding(self.source, &mut self.song, &mut self.live)
    }

    /// Lets another source play. What sounds fades away.
    fn change_to(&mut self, source: Source) {
        if let Some(song) = &mut self.song {
            match (self.source == Source::Song, source == Source::Song) {
                (true, false) => self.live.inherit(&mut song.player),
                (false, true) => song.player.inherit(&mut self.live),
                _ => {}
            }
        }
        self.source = source;
    }

    /// Goes to where the source is to play from.
    fn begin(&mut self, info: &BlockInfo) {
        match self.source {
            Source::Nothing => self.live.jump(SampleTime(0)),
            Source::Live => {
                self.feed.restart();
                if let Some(section) = self.saying.section() {
                    self.feed.say(section, 0);
                }
                self.live.jump(SampleTime(-self.latency));
            }
            Source::Song => {
                let at = self.song_position(info);
                let Some(song) = &mut self.song else { return };
                song.player.jump(at);
                if !info.is_playing {
                    return;
                }
                song.performance.state_at(at, &mut self.state);
                for event in self.state.drain(..) {
                    song.player.push(event);
                }
                self.next_event = song.performance.index_at(at);
            }
        }
    }

    /// Where the song stands when the transport stands where it does.
    fn song_position(&self, info: &BlockInfo) -> SampleTime {
        let origin = self.song.as_ref().map_or(0.0, |song| song.origin_s);
        let host = info.position.unwrap_or(self.free_running);
        SampleTime(host - self.rate.sample_at(origin).0 - info.song_offset - self.latency)
    }

    /// Gives the player what falls due in the next samples.
    fn push_due(&mut self, len: usize) {
        let Some(song) = &mut self.song else { return };
        let end = song.player.position() + SampleCount(len as i64);
        while let Some(event) = song.performance.events().get(self.next_event).filter(|e| e.at < end) {
            if !song.player.push(*event) {
                break;
            }
            self.next_event += 1;
        }
    }

    /// Renders the band and mixes it.
    fn play(
        &mut self,
        info: &BlockInfo,
        audio: &mut BlockAudio<'_>,
        timing: u32,
        notes: &mut NoteOutput,
        send: &mut Send<'_>,
    ) {
        let len = audio.main[0].len();
        // Bypassed, the voice comes through as it is.
        let targets = [
            if self.source == Source::Nothing { 1.0 } else { info.voice_level },
            info.part_levels[0],
            info.part_levels[1],
            info.part_levels[2],
            info.part_levels[3],
        ];
        let step = 1.0 - (-1.0 / (LEVEL_S * self.rate.0 as f32)).exp();
        for index in 0..len {
            let [left, right] =
                [0, 1].map(|side| delayed(&mut self.delay[side], self.delay_at, self.input[side][index]));
            if self.latency > 0 {
                self.delay_at = (self.delay_at + 1) % self.latency as usize;
            }
            let level = moved(&mut self.levels[0], targets[0], step);
            audio.main[0][index] = left * level;
            audio.main[1][index] = right * level;
        }
        let (open, levels) = (&mut self.open, &mut self.levels);
        let [band_left, band_right] = &mut self.band;
        band_left[..len].fill(0.0);
        band_right[..len].fill(0.0);
        let player = sounding(self.source, &mut self.song, &mut self.live);
        let mut started = |event: &NoteEvent, offset: usize| {
            let is_heard = info.part_levels[event.part.index()] > 0.0;
            tell_host(event, timing + offset as u32, is_heard, open, notes, send);
        };
        let [main_left, main_right] = &mut audio.main;
        let stems = &mut audio.stems;
        player.render(len, &mut started, &mut |part, from, left, right| {
            let index = part.index();
            let level = &mut levels[index + 1];
            for (offset, (l, r)) in left.iter().zip(right).enumerate() {
                let gain = moved(level, targets[index + 1], step);
                let (l, r) = (l * gain, r * gain);
                main_left[from + offset] += l;
                main_right[from + offset] += r;
                band_left[from + offset] += l;
                band_right[from + offset] += r;
                if let Some([stem_left, stem_right]) = &mut stems[index] {
                    stem_left[from + offset] = l;
                    stem_right[from + offset] = r;
                }
            }
        });
    }

    /// Takes the newest song from the desk; what it replaces goes back to be freed there.
    fn take_song(&mut self) -> bool {
        let mut is_new = false;
        loop {
            if let Some(retired) = self.retired.take()
                && let Err(rtrb::PushError::Full(back)) = self.end.done.push(retired)
            {
                self.retired = Some(back);
                return is_new;
            }
            let Ok(mut song) = self.end.songs.pop() else { return is_new };
            is_new = true;
            if song.performance.is_empty() {
                if self.source == Source::Song {
                    self.change_to(Source::Nothing);
                }
                self.retired = self.song.take();
                if let Err(rtrb::PushError::Full(back)) = self.end.done.push(song) {
                    // Kept as a song of silence until the next one comes.
                    self.song = Some(back);
                }
            } else {
                if let Some(old) = &mut self.song {
                    song.player.inherit(&mut old.player);
                }
                self.retired = self.song.replace(song);
            }
        }
    }
}

/// The instruments of the source that plays.
fn sounding<'a>(source: Source, song: &'a mut Option<Box<Loaded>>, live: &'a mut Player) -> &'a mut Player {
    match song {
        Some(song) if source == Source::Song => &mut song.player,
        _ => live,
    }
}

/// Copies samples; what is no number is silence.
fn keep(kept: &mut [f32], given: &[f32]) {
    for (kept, given) in kept.iter_mut().zip(given) {
        *kept = if given.is_finite() { *given } else { 0.0 };
    }
}

fn delayed(line: &mut [f32], at: usize, sample: f32) -> f32 {
    match line.get_mut(at) {
        None => sample,
        Some(place) => std::mem::replace(place, sample),
    }
}

/// Moves a level towards its target and returns it. The first target is taken at once.
fn moved(level: &mut f32, target: f32, step: f32) -> f32 {
    if level.is_nan() || (target - *level).abs() < 1e-5 {
        *level = target;
    } else {
        *level += step * (target - *level);
    }
    *level
}

/// Sends an event as MIDI.
fn tell_host(
    event: &NoteEvent,
    timing: u32,
    is_heard: bool,
    open: &mut Vec<(Part, NoteId, u8)>,
    notes: &mut NoteOutput,
    send: &mut Send<'_>,
) {
    let channel = event.part.midi_channel() - 1;
    match event.kind {
        EventKind::NoteOn { id, pitch, velocity, .. } => {
            if is_heard && open.len() < MAX_OPEN {
                open.push((event.part, id, pitch.0));
                notes.on(channel, pitch.0, velocity.fraction(), timing, send);
            }
        }
        EventKind::NoteOff { id } => {
            if let Some(place) = open.iter().position(|(part, other, _)| *part == event.part && *other == id)
            {
                let (_, _, key) = open.swap_remove(place);
                notes.off(channel, key, timing, send);
            }
        }
        EventKind::Tuning { cents } => {
            // Registered parameter 1, fine tuning: 14 bits over two semitones.
            let tuning = ((cents.clamp(-100.0, 99.98) / 100.0 + 1.0) * 8192.0) as u32;
            for (cc, value) in [(101, 0), (100, 1), (6, tuning >> 7), (38, tuning & 127)] {
                control(channel, cc, value as f32 / 127.0, timing, send);
            }
        }
        EventKind::Expression { value } => control(channel, 11, value, timing, send),
    }
}

fn control(channel: u8, cc: u8, value: f32, timing: u32, send: &mut Send<'_>) {
    // A controller that finds no room is lost: unlike a note's end nothing hangs by it.
    let _ = send(nice_plug::prelude::NoteEvent::MidiCC { timing, channel, cc, value });
}
