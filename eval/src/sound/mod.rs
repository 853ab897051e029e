//! How the band sounds: solo notes and parts, our instruments beside sampled banks.

mod describe;
mod mel;
mod page;
mod play;

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use collavoce::engine;
use collavoce::listen::PitchMethod;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Seed, Settings, Style};
use collavoce::time::{Hz, SampleTime};

use mel::LogMel;
use page::Page;
use play::{Player, RATE, mono};

const USAGE: &str = "usage: cargo xtask eval sound [BANK...] [-o FOLDER] [--other-notes]; without a BANK those that are \
                     installed are taken (apt install fluid-soundfont-gm musescore-general-soundfont-small)";
/// What banks hardly do, because they hold a note once: it is shown, and not counted.
const SHOWN_ONLY: [&str; 5] = [
    "octaves brighter a doubling",
    "dB louder a doubling",
    "offset dB",
    "repeats differ dB",
    "click at its end dBFS",
];
/// Seconds of a part.
const PART_S: f64 = 20.0;
/// Velocities at which notes are played.
const VELOCITIES: [u8; 3] = [50, 85, 118];

/// A note that is played alone.
#[derive(Clone, Copy)]
struct Solo {
    part: Part,
    pitch: u8,
    held_s: f64,
}

/// Numbers of one note by one player: (what, value).
type Described = Vec<(&'static str, f64)>;

/// Runs the comparison.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (mut banks, mut folder, mut others) = (Vec::new(), None, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-o" | "--out" => folder = Some(PathBuf::from(rest.next().context(USAGE)?)),
            "--other-notes" => others = true,
            option if option.starts_with('-') => bail!("{option} is not known; {USAGE}"),
            bank => banks.push(PathBuf::from(bank)),
        }
    }
    if banks.is_empty() {
        banks = play::installed();
    }
    ensure!(!banks.is_empty(), "no sound font is installed; {USAGE}");
    let peers = banks.iter().map(|path| Player::open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut page = folder.as_deref().map(Page::begin).transpose()?;
    for part in Part::ALL {
        notes(part, others, &peers, page.as_mut())?;
    }
    parts(&peers, page.as_mut())?;
    if let Some(page) = page {
        page.finish()?;
    }
    Ok(())
}

/// The notes of a part that are played alone; instruments were tuned on one list, and the other is to report on.
fn solos(part: Part, others: bool) -> Vec<Solo> {
    let pitches: &[u8] = match (part, others) {
        (Part::Guitar, false) => &[40, 47, 52, 57, 64, 71, 76],
        (Part::Guitar, true) => &[43, 50, 55, 59, 62, 67, 73],
        (Part::Bass, false) => &[28, 33, 40, 45],
        (Part::Bass, true) => &[31, 35, 38, 43],
        (Part::Strings, false) => &[48, 55, 62, 67, 74, 81],
        (Part::Strings, true) => &[50, 57, 60, 69, 72, 79],
        (Part::Drums, _) => &[36, 38, 37, 42, 44, 46, 41, 45, 48, 49, 57, 51, 53, 54],
    };
    let held_s = match part {
        Part::Strings => 2.5,
        Part::Guitar | Part::Bass => 3.0,
        Part::Drums => 0.2,
    };
    pitches.iter().map(|pitch| Solo { part, pitch: *pitch, held_s }).collect()
}

fn on(part: Part, at: i64, id: u32, pitch: u8, velocity: u8) -> NoteEvent {
    let articulation = if part == Part::Strings { Articulation::Sustained } else { Articulation::Normal };
    let velocity = Velocity::clamped(f64::from(velocity));
    let kind = EventKind::NoteOn { id: NoteId(id), pitch: MidiNote(pitch), velocity, articulation };
    NoteEvent { at: SampleTime(at), part, kind }
}

impl Solo {
    fn sound(self, player: &Player, velocity: u8, rate: Hz) -> anyhow::Result<Vec<f32>> {
        let off = NoteEvent {
            at: rate.sample_at(self.held_s),
            part: self.part,
            kind: EventKind::NoteOff { id: NoteId(1) },
        };
        self.play(player, rate, &[on(self.part, 0, 1, self.pitch, velocity), off])
    }

    /// The note without its end.
    fn endless(self, player: &Player, velocity: u8) -> anyhow::Result<Vec<f32>> {
        self.play(player, RATE, &[on(self.part, 0, 1, self.pitch, velocity)])
    }

    fn play(self, player: &Player, rate: Hz, events: &[NoteEvent]) -> anyhow::Result<Vec<f32>> {
        let frames = rate.count(self.held_s + 1.5).0 as usize;
        Ok(mono(&player.play(self.part, events, frames, rate)?))
    }

    /// Plays the note again and again, each after the last has faded.
    fn again(self, player: &Player, times: u32) -> anyhow::Result<Vec<Vec<f32>>> {
        let frames = RATE.count(self.held_s + 1.5).0;
        let mut events = Vec::new();
        for id in 0..times {
            let at = frames * i64::from(id);
            events.push(on(self.part, at, id, self.pitch, 100));
            let kind = EventKind::NoteOff { id: NoteId(id) };
            let at = SampleTime(at + RATE.count(self.held_s).0);
            events.push(NoteEvent { at, part: self.part, kind });
        }
        let all = mono(&player.play(self.part, &events, frames as usize * times as usize, RATE)?);
        Ok(all.chunks(frames as usize).map(<[f32]>::to_vec).collect())
    }

    fn describe(self, player: &Player) -> anyhow::Result<Described> {
        let sounds =
            VELOCITIES.iter().map(|v| self.sound(player, *v, RATE)).collect::<anyhow::Result<Vec<_>>>()?;
        let sound = &sounds[1];
        let late_s = if self.part == Part::Drums { (0.1, 0.4) } else { (1.0, 2.0) };
        let brightness = |sound: &[f32]| describe::centroid_hz(sound, 0.0, 0.3).max(1.0).log2();
        let louder = |sound: &[f32]| {
            let loudest = sound.iter().fold(1e-9f32, |most, x| most.max(x.abs()));
            20.0 * f64::from(loudest).log10()
        };
        let steps = (f64::from(VELOCITIES[2]) / f64::from(VELOCITIES[0])).log2();
        let mut out = vec![
            ("attack ms", describe::attack_ms(sound)),
            ("centroid 0-.1 s Hz", describe::centroid_hz(sound, 0.0, 0.1)),
            ("centroid later Hz", describe::centroid_hz(sound, late_s.0, late_s.1)),
            ("over 4 kHz, 0-.3 s dB", describe::share_db(sound, (0.0, 0.3), (4_000.0, 20_000.0))),
            ("octaves brighter a doubling", (brightness(&sounds[2]) - brightness(&sounds[0])) / steps),
            ("dB louder a doubling", (louder(&sounds[2]) - louder(&sounds[0])) / steps),
            ("offset dB", describe::offset_db(sound)),
        ];
        if self.part != Part::Strings {
            out.push(("T60 s", describe::t60_s(&sound[..RATE.count(self.held_s.max(1.5)).0 as usize])));
        }
        if self.part == Part::Drums {
            out.push(("200 Hz-3 kHz, 0-.1 s dB", describe::share_db(sound, (0.0, 0.1), (200.0, 3_000.0))));
            out.push(("2-6 kHz, .2-1 s dB", describe::share_db(sound, (0.2, 1.0), (2_000.0, 6_000.0))));
        } else {
            let f0_hz = MidiNote(self.pitch).hz(0.0);
            out.push(("between partials dB", describe::between_partials_db(sound, f0_hz)));
            let endless = self.endless(player, VELOCITIES[1])?;
            out.push(("click at its end dBFS", describe::click_dbfs(sound, &endless, self.held_s)));
            if self.part != Part::Strings {
                out.push(("inharmonicity 1e-6", describe::inharmonicity(sound, f0_hz)));
                out.push(("T60 of partial 1 s", describe::partial_t60_s(sound, f0_hz, 1)));
                out.push(("T60 of partial 4 s", describe::partial_t60_s(sound, f0_hz, 4)));
                out.push(("T60 of partial 10 s", describe::partial_t60_s(sound, f0_hz, 10)));
            }
        }
        let again = self.again(player, 3)?;
        let mels = again.iter().map(|sound| LogMel::of(sound)).collect::<anyhow::Result<Vec<_>>>()?;
        out.push(("repeats differ dB", 0.5 * (mels[0].distance(&mels[1]) + mels[1].distance(&mels[2]))));
        Ok(out)
    }
}

/// Prints the notes of a part: what lies outside the range that the banks span is marked.
fn notes(part: Part, others: bool, peers: &[Player], mut page: Option<&mut Page>) -> anyhow::Result<()> {
    let ours = Player::Ours(Seed(1));
    let peers: Vec<&Player> = peers.iter().filter(|peer| peer.has(part)).collect();
    println!("\n{part}");
    print!("{:>4} {:28}{:>12}", "note", "", ours.name());
    peers.iter().for_each(|peer| print!("{:>12.11}", peer.name()));
    println!();
    let (mut held, mut counted) = (0, 0);
    let mut distances = vec![Vec::new(); peers.len()];
    let mut between = Vec::new();
    for solo in solos(part, others) {
        let mine = solo.describe(&ours)?;
        let theirs = peers.iter().map(|peer| solo.describe(peer)).collect::<anyhow::Result<Vec<_>>>()?;
        for (row, (what, value)) in mine.iter().enumerate() {
            let values: Vec<f64> = theirs.iter().map(|one| one[row].1).collect();
            let known = || values.iter().copied().filter(|value| value.is_finite());
            let (low, high) =
                (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
            let is_shown_only = SHOWN_ONLY.contains(what);
            let is_held = (low..=high).contains(value);
            if !is_shown_only {
                (held, counted) = (held + usize::from(is_held), counted + 1);
            }
            let mark = if is_held || is_shown_only { ' ' } else { '*' };
            print!("{:>4} {what:28}{value:>11.2}{mark}", solo.pitch);
            values.iter().for_each(|value| print!("{value:>12.2}"));
            println!();
        }
        let mine = LogMel::of(&solo.sound(&ours, 85, RATE)?)?;
        let mut before: Vec<LogMel> = Vec::new();
        for (peer, list) in peers.iter().zip(&mut distances) {
            let theirs = LogMel::of(&solo.sound(peer, 85, RATE)?)?;
            list.push(mine.distance(&theirs));
            between.extend(before.iter().map(|other| other.distance(&theirs)));
            before.push(theirs);
        }
        if let Some(page) = page.as_deref_mut() {
            page.row(&format!("{part} {}", solo.pitch));
            for player in [&ours].into_iter().chain(peers.iter().copied()) {
                page.add(player.name(), &solo.sound(player, 85, RATE)?)?;
            }
        }
    }
    println!("{part}: {held} of {counted} figures lie in the range of the banks; * marks the others");
    print!("{part}: log-mel distance in dB of notes, mean: ");
    for (peer, list) in peers.iter().zip(&distances) {
        print!("to {} {:.1}, ", peer.name(), mean(list));
    }
    println!("between banks {:.1}", mean(&between));
    Ok(())
}

/// Prints how far parts of the demonstration song lie apart, in every style.
fn parts(peers: &[Player], mut page: Option<&mut Page>) -> anyhow::Result<()> {
    println!(
        "\n{PART_S:.0} s of the demonstration song: log-mel distance of windows and of averages in dB, Fréchet distance"
    );
    let listen = Hz(collavoce::limits::LISTEN_HZ);
    let sung = collavoce::sing::demo().sing(listen)?;
    for style in Style::ALL {
        let settings = Settings { style: *style, ..Settings::default() };
        let session = engine::run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
        let events = session.performance(&settings, RATE);
        let frames = RATE.count(PART_S).0 as usize;
        for part in Part::ALL {
            // The singer's own tuning would set every bank apart.
            let of_part: Vec<NoteEvent> = events
                .iter()
                .filter(|event| event.part == part && !matches!(event.kind, EventKind::Tuning { .. }))
                .copied()
                .collect();
            let ours = mono(&Player::Ours(settings.seed).play(part, &of_part, frames, RATE)?);
            let mine = LogMel::of(&ours)?;
            if let Some(page) = page.as_deref_mut() {
                page.row(&format!("{part}, {style}"));
                page.add("built in", &ours)?;
            }
            print!("{:8}{:8}", style.to_string(), part.to_string());
            let mut before: Vec<(&str, LogMel)> = Vec::new();
            let mut between = String::new();
            for peer in peers.iter().filter(|peer| peer.has(part)) {
                let sound = mono(&peer.play(part, &of_part, frames, RATE)?);
                let theirs = LogMel::of(&sound)?;
                print!("  {} {}", peer.name(), apart(&mine, &theirs));
                for (name, other) in &before {
                    between.push_str(&format!("  {name} to {} {}", peer.name(), apart(other, &theirs)));
                }
                before.push((peer.name(), theirs));
                if let Some(page) = page.as_deref_mut() {
                    page.add(peer.name(), &sound)?;
                }
            }
            println!("  |{between}");
        }
    }
    Ok(())
}

fn apart(a: &LogMel, b: &LogMel) -> String {
    format!("{:.1} {:.1} {:.0}", a.distance(b), a.average_distance(b), a.frechet(b))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
