//! `collavoce accompany`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use collavoce::bounce::sounds::wished_sounds;
use collavoce::bounce::{BounceReport, BounceRequest, bounce};
use collavoce::engine::Session;
use collavoce::listen::{Register, Vibrato, vibrato};
use collavoce::score::{MidiNote, Part, Score};
use collavoce::song::{Isolate, Settings};

use super::args::{Accompany, Musical, Writing};
use super::progress::Reporter;

/// Runs the command.
pub fn run(options: &Accompany) -> anyhow::Result<()> {
    // One of both is there: the options ask for it.
    let vocal = options.voice.as_deref().or(options.vocal.as_deref()).unwrap_or(Path::new(""));
    let sung = Sung {
        vocal,
        sidechain: options.sidechain.as_deref(),
        isolate: options.isolate.into(),
        backing: options.backing.as_deref(),
    };
    let report = write(&sung, &options.out, &options.musical, &options.writing, Vec::new())?;
    print(&report, &options.writing, "")
}

/// Prints the report as asked for, with a hint after it for people.
pub fn print(report: &BounceReport, writing: &Writing, hint: &str) -> anyhow::Result<()> {
    if writing.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&report.report)?))
    } else if !writing.quiet {
        super::say(&format!("{}{hint}", summary(report)))
    } else {
        Ok(())
    }
}

/// A vocal, and what is heard beside it.
pub struct Sung<'a> {
    /// The file of the vocal, or of the mix that it is to be taken out of.
    pub vocal: &'a Path,
    /// What leads the beat.
    pub sidechain: Option<&'a Path>,
    /// Whether the vocal is taken out of what it is sung with.
    pub isolate: Isolate,
    /// What the vocal is sung with, where it is known.
    pub backing: Option<&'a Path>,
}

/// Bounces a vocal with the options given.
pub fn write(
    sung: &Sung<'_>,
    out: &Path,
    musical: &Musical,
    writing: &Writing,
    extras: Vec<(String, PathBuf)>,
) -> anyhow::Result<BounceReport> {
    let settings = Settings { isolate: sung.isolate, ..musical.settings()? };
    // A sound that is not there is said before anything is heard or written.
    let sounds = wished_sounds(&writing.sounds, &settings.parts)?;
    let mut reporter = Reporter::new(writing.quiet);
    let begun = Instant::now();
    let clock = move || begun.elapsed().as_secs_f64();
    let request = BounceRequest {
        sidechain: sung.sidechain.map(Path::to_owned),
        backing: sung.backing.map(Path::to_owned),
        sounds,
        pitch: musical.pitch,
        format: writing.format.into(),
        rate: writing.rate(),
        tail_s: writing.tail,
        loudness: writing.loudness.0,
        seat: writing.seat / 100.0,
        block: writing.block as usize,
        extras,
        clock: writing.timings.then_some(&clock),
        ..BounceRequest::new(sung.vocal, out, settings)
    };
    let result = bounce(&request, &mut |stage, done| reporter.tell(stage, done));
    reporter.clear();
    Ok(result?)
}

/// What a person wants to know: what was heard, and what was written.
fn summary(report: &BounceReport) -> String {
    let mut text = isolation_line(report);
    text.push_str(&present_line(report));
    text.push_str(&heard(&report.session));
    text.push_str(&sound_lines(report));
    text.push_str(&format!("\nwrote {}/\n", report.out.display()));
    for file in &report.files {
        text.push_str(&format!("  {file:16} {}\n", describe(file)));
    }
    text
}

/// How the voice was found in a mix.
fn isolation_line(report: &BounceReport) -> String {
    let isolation = &report.report["isolation"];
    let said = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    match isolation.as_object() {
        Some(_) => format!(
            "voice   roughly isolated ({}): {}; if it is a dry vocal, say --isolate off\n",
            said(&isolation["way"]["name"]),
            said(&isolation["found"]["why"])
        ),
        None => String::new(),
    }
}

/// Which parts the mix has already.
fn present_line(report: &BounceReport) -> String {
    let mix = report.session.take.mix.as_ref();
    let names: Vec<&str> = mix.iter().flat_map(|mix| &mix.present).map(|part| Part::name(*part)).collect();
    match names.as_slice() {
        [] => String::new(),
        all if all.len() == Part::ALL.len() => {
            "there   every part in the recording already: all are written nevertheless\n".to_owned()
        }
        names => format!(
            "there   {} in the recording already: left out unless --parts names them\n",
            names.join(", ")
        ),
    }
}

/// Which parts a SoundFont plays.
fn sound_lines(report: &BounceReport) -> String {
    let mut text = String::new();
    for sound in report.report["provenance"]["sounds"].as_array().map_or(&[][..], Vec::as_slice) {
        let said = |key: &str| sound[key].as_str().unwrap_or_default();
        text.push_str(&format!("  {:8}played by {}\n", said("part"), said("name")));
    }
    text
}

/// What was heard, in a few lines.
pub fn heard(session: &Session) -> String {
    let score = &session.score;
    let tempos: Vec<f64> = session.beats.windows(2).map(|w| 60.0 / (w[1].time_s - w[0].time_s)).collect();
    let slowest = tempos.iter().copied().fold(f64::INFINITY, f64::min);
    let fastest = tempos.iter().copied().fold(0.0, f64::max);
    let mut sorted = tempos.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let others: Vec<String> = session
        .take
        .keys
        .iter()
        .filter(|g| g.key != score.key)
        .take(2)
        .map(|g| format!("{} {:.0} %", g.key, g.probability * 100.0))
        .collect();
    let sure = session.take.keys.iter().find(|g| g.key == score.key).map_or(0.0, |g| g.probability);
    let mut text = format!(
        "heard\n  key     {} ({:.0} % sure; else {})\n  tempo   {median:.0} bpm ({slowest:.0} to {fastest:.0})\n  \
         metre   {}\n  tuning  {:+.0} cents\n  melody  {} notes in {} phrases\n",
        score.key,
        sure * 100.0,
        others.join(", "),
        score.meter,
        session.take.tuning.median_cents(),
        session.take.notes.len(),
        session.take.phrases.len(),
    );
    if let Some(register) = Register::of(&session.take.notes) {
        let name = |midi: f64| MidiNote::nearest(midi).to_string();
        text.push_str(&format!(
            "  range   {} to {}, mostly {} to {}\n",
            name(register.lowest),
            name(register.highest),
            name(register.low),
            name(register.high)
        ));
    }
    text.push_str(&vibrato_line(session));
    text.push_str(&chord_lines(score));
    text
}

/// How many notes swing, how fast and how far.
fn vibrato_line(session: &Session) -> String {
    let take = &session.take;
    let swinging: Vec<_> = take.notes.iter().filter_map(|note| vibrato(note, &take.observations)).collect();
    if swinging.is_empty() {
        return String::new();
    }
    let mean = |of: fn(&Vibrato) -> f64| swinging.iter().map(of).sum::<f64>() / swinging.len() as f64;
    format!(
        "  vibrato in {} of {} notes, {:.1} Hz, {:.0} cents to either side\n",
        swinging.len(),
        take.notes.len(),
        mean(|v| v.rate_hz),
        mean(|v| v.extent_cents)
    )
}

/// Chords, four bars a line.
fn chord_lines(score: &Score) -> String {
    let mut text = String::new();
    let sung: Vec<_> = score
        .all_bars()
        .filter(|bar| score.chords.iter().any(|s| s.start < bar.end && s.end() > bar.start))
        .collect();
    for line in sung.chunks(4) {
        text.push_str(&format!("  bar {:3} ", line[0].number.0));
        for bar in line {
            let names: Vec<String> = score
                .chords
                .iter()
                .filter(|s| s.start < bar.end && s.end() > bar.start)
                .map(|s| s.chord.lead_sheet_in(score.key))
                .collect();
            text.push_str(&format!("| {:10}", names.join(" ")));
        }
        text.push_str("|\n");
    }
    text
}

fn describe(file: &str) -> &'static str {
    match file.split('.').next().unwrap_or_default() {
        "mix" => "what was sung, with the band",
        "band" => "the band alone: the sum of the stems",
        "guitar" | "drums" | "strings" | "bass" => "stem",
        "voice" => "the vocal that was sung",
        "backing" => "what it was sung with: with the voice it is the recording, to the bit",
        "truth" => "what was sung, exactly",
        "overview" => "picture of what was heard and played",
        "follow" => "sung and played time of every beat",
        "report" => "everything heard and decided, with hashes",
        _ => match file.rsplit('.').next().unwrap_or_default() {
            "mid" => "MIDI with the singer's tempo map",
            "musicxml" => "lead sheet for a notation program",
            _ => "the song: score, takes, settings",
        },
    }
}
