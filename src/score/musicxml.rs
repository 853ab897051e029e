//! MusicXML 4.0 lead sheets: melody and chord symbols, for notation programs.

use std::fmt::Write as _;

use super::chord::ChordQuality;
use super::key::Mode;
use super::pitch::{MidiNote, PitchClass};
use super::sheet::{Bar, Score};
use crate::time::{TickCount, Ticks};

/// Divisions of a quarter note: sixteenths and eighth triplets are whole numbers of them.
const DIVISIONS: i64 = 12;
/// Ticks in one division.
const TICKS: i64 = crate::time::TICKS_PER_QUARTER / DIVISIONS;
/// Ticks of a sixteenth.
const SIXTEENTH: i64 = crate::time::TICKS_PER_QUARTER / 4;
/// Below this median pitch the melody is written an octave up under a treble clef with an 8.
const LOW_VOICE: u8 = 58;

/// A lead sheet. Silent bars of the lead-in are left out; the bar of a pickup has number 0.
pub fn write(score: &Score, title: &str, remark: &str) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!DOCTYPE score-partwise PUBLIC \
         \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" \"http://www.musicxml.org/dtds/partwise.dtd\">\n\
         <score-partwise version=\"4.0\">\n",
    );
    let _ = writeln!(xml, "  <work><work-title>{}</work-title></work>", escape(title));
    let _ = writeln!(
        xml,
        "  <identification><encoding><software>Collavoce {}</software></encoding><miscellaneous>\
         <miscellaneous-field name=\"source\">{}</miscellaneous-field></miscellaneous></identification>",
        env!("CARGO_PKG_VERSION"),
        escape(remark)
    );
    xml.push_str(
        "  <part-list><score-part id=\"P1\"><part-name>Voice</part-name><score-instrument id=\"P1-I1\"><instrument-name>Voice</instrument-name></score-instrument></score-part></part-list>\n",
    );
    xml.push_str("  <part id=\"P1\">\n");
    let pieces = pieces(score);
    let begins = |bar: &Bar| {
        score.melody.iter().any(|n| n.start < bar.end && n.end() > bar.start)
            || score.chords.iter().any(|s| s.start < bar.end && s.end() > bar.start)
    };
    let mut first = true;
    for bar in score.all_bars().skip_while(|bar| !begins(bar)) {
        measure(&mut xml, score, bar, &pieces, first);
        first = false;
    }
    xml.push_str("  </part>\n</score-partwise>\n");
    xml
}

/// A stretch of one note or rest that fits one sign.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: Ticks,
    length: TickCount,
    pitch: Option<MidiNote>,
    tied_before: bool,
    tied_after: bool,
}

/// Melody and rests over all bars, cut at bar lines and beats until every piece has a sign.
fn pieces(score: &Score) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = Ticks(0);
    for (index, note) in score.melody.iter().enumerate() {
        let end = readable_end(score, index);
        cut(score, at, note.start, None, &mut pieces);
        cut(score, note.start.max(at), end, Some(note.pitch), &mut pieces);
        at = end.max(at);
    }
    cut(score, at, score.end(), None, &mut pieces);
    pieces
}

/// Where a note ends on paper: gaps of a sixteenth before the next note are closed, ends before a rest fall on eighths.
fn readable_end(score: &Score, index: usize) -> Ticks {
    let note = &score.melody[index];
    let next = score.melody.get(index + 1).map_or(score.end(), |next| next.start);
    if (next - note.end()).0 <= SIXTEENTH {
        return next;
    }
    if score.meter.beat().0 % (2 * SIXTEENTH) != 0 || note.length.0 % SIXTEENTH != 0 {
        return note.end();
    }
    let eighths = (note.end().0 + SIXTEENTH) / (2 * SIXTEENTH);
    let rounded = Ticks(eighths * 2 * SIXTEENTH);
    if rounded > note.start && rounded <= next { rounded } else { note.end() }
}

fn cut(score: &Score, from: Ticks, to: Ticks, pitch: Option<MidiNote>, pieces: &mut Vec<Piece>) {
    let mut at = from;
    while at < to {
        let length = sign_from(score, at, to);
        let tied_before = pitch.is_some() && at > from;
        let tied_after = pitch.is_some() && at + length < to;
        pieces.push(Piece { start: at, length, pitch, tied_before, tied_after });
        at += length;
    }
}

/// The longest length with a sign of its own that may begin at a position.
fn sign_from(score: &Score, at: Ticks, to: Ticks) -> TickCount {
    let bar = score.bar_at(at);
    let beat = score.meter.beat();
    let into_bar = at - bar.start;
    let into_beat = into_bar % beat;
    let in_second_half = into_beat.0 == 0 && into_bar.0 * 2 >= score.meter.bar().0;
    let limit = if into_bar.0 == 0 || in_second_half {
        bar.end
    } else if into_beat.0 == 0 {
        at + TickCount((score.meter.bar().0 / 2 - into_bar.0).max(beat.0))
    } else {
        at + (beat - into_beat)
    };
    let length = (to.min(limit).min(bar.end) - at).0;
    let triplets = length % (3 * TICKS) != 0 || into_beat.0 % (3 * TICKS) != 0;
    let signs: &[i64] = if triplets { &[12, 8, 4] } else { &[48, 36, 24, 18, 12, 9, 6, 3] };
    let fits = signs.iter().map(|d| d * TICKS).find(|d| *d <= length);
    // What fits no sign is left as it is: a notation program shows it as best it can.
    TickCount(fits.unwrap_or(length.max(1)))
}

fn measure(xml: &mut String, score: &Score, bar: Bar, pieces: &[Piece], first: bool) {
    let is_pickup = bar.number.0 < 1;
    let _ = writeln!(
        xml,
        "    <measure number=\"{}\"{}>",
        bar.number.0,
        if is_pickup { " implicit=\"yes\"" } else { "" }
    );
    if first {
        attributes(xml, score);
    }
    if let Some(section) = score.sections.iter().find(|s| s.first == bar.number) {
        let _ = writeln!(
            xml,
            "      <direction placement=\"above\"><direction-type><rehearsal>{}</rehearsal></direction-type></direction>",
            escape(&section.label)
        );
    }
    if first {
        tempo_mark(xml, score);
    }
    let within: Vec<&Piece> = pieces.iter().filter(|p| p.start >= bar.start && p.start < bar.end).collect();
    // A pickup bar begins with its first note.
    let from = if is_pickup { within.iter().position(|p| p.pitch.is_some()).unwrap_or(0) } else { 0 };
    for piece in &within[from..] {
        let end = piece.start + piece.length;
        for span in score.chords.iter().filter(|s| s.start >= piece.start && s.start < end) {
            harmony(xml, score, span.chord, (span.start - piece.start).0 / TICKS);
        }
        note(xml, score, piece);
    }
    xml.push_str("    </measure>\n");
}

fn attributes(xml: &mut String, score: &Score) {
    let mode = match score.key.mode {
        Mode::Major => "major",
        Mode::Minor => "minor",
    };
    let octave = if is_low(score) { "<clef-octave-change>-1</clef-octave-change>" } else { "" };
    let _ = writeln!(
        xml,
        "      <attributes><divisions>{DIVISIONS}</divisions><key><fifths>{}</fifths><mode>{mode}</mode></key>\
         <time><beats>{}</beats><beat-type>{}</beat-type></time><clef><sign>G</sign><line>2</line>{octave}</clef>\
         </attributes>",
        score.key.fifths(),
        score.meter.count(),
        score.meter.unit(),
    );
}

fn is_low(score: &Score) -> bool {
    let mut pitches: Vec<u8> = score.melody.iter().map(|n| n.pitch.0).collect();
    pitches.sort_unstable();
    pitches.get(pitches.len() / 2).is_some_and(|p| *p < LOW_VOICE)
}

fn tempo_mark(xml: &mut String, score: &Score) {
    let (unit, dot) = match (score.meter.is_compound(), score.meter.unit()) {
        (true, _) => ("quarter", "<beat-unit-dot/>"),
        (_, 2) => ("half", ""),
        _ => ("quarter", ""),
    };
    let (start, end) = (score.bar(super::BarNumber(1)).start, score.end());
    let beats = (end - start).0 as f64 / score.meter.beat().0 as f64;
    let bpm = 60.0 * beats / (score.tempo.seconds_at(end) - score.tempo.seconds_at(start)).max(1e-3);
    let quarters = bpm * score.meter.beat().0 as f64 / crate::time::TICKS_PER_QUARTER as f64;
    let _ = writeln!(
        xml,
        "      <direction placement=\"above\"><direction-type><metronome><beat-unit>{unit}</beat-unit>{dot}\
         <per-minute>{:.0}</per-minute></metronome></direction-type><sound tempo=\"{quarters:.2}\"/></direction>",
        bpm
    );
}

fn harmony(xml: &mut String, score: &Score, chord: super::ChordSymbol, offset: i64) {
    let place = |name: &str, pitch: PitchClass| {
        let (step, alter) = score.key.spelt(pitch);
        let alter = if alter == 0 { String::new() } else { format!("<{name}-alter>{alter}</{name}-alter>") };
        format!("<{name}><{name}-step>{step}</{name}-step>{alter}</{name}>")
    };
    let bass = if chord.bass == chord.root { String::new() } else { place("bass", chord.bass) };
    let degree = match chord.quality {
        ChordQuality::AddNine => degree(9),
        ChordQuality::SevenSus4 => degree(7),
        _ => String::new(),
    };
    let offset = if offset == 0 { String::new() } else { format!("<offset>{offset}</offset>") };
    let _ = writeln!(
        xml,
        "      <harmony>{}<kind text=\"{}\">{}</kind>{bass}{degree}{offset}</harmony>",
        place("root", chord.root),
        chord.quality.lead_sheet_suffix(),
        chord.quality.musicxml_kind(),
    );
}

fn degree(value: u8) -> String {
    let alter = if value == 7 { -1 } else { 0 };
    format!(
        "<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>\
         <degree-type>add</degree-type></degree>"
    )
}

fn note(xml: &mut String, score: &Score, piece: &Piece) {
    let divisions = piece.length.0 / TICKS;
    xml.push_str("      <note>");
    match piece.pitch {
        None => xml.push_str("<rest/>"),
        Some(pitch) => {
            let (step, alter) = score.key.spelt(pitch.pitch_class());
            let alter = if alter == 0 { String::new() } else { format!("<alter>{alter}</alter>") };
            let octave = score.key.octave_of(pitch);
            let _ = write!(xml, "<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>");
        }
    }
    let _ = write!(xml, "<duration>{}</duration>", divisions.max(1));
    for (tied, kind) in [(piece.tied_before, "stop"), (piece.tied_after, "start")] {
        if tied {
            let _ = write!(xml, "<tie type=\"{kind}\"/>");
        }
    }
    xml.push_str("<voice>1</voice>");
    let (kind, dots, triplet) = match divisions {
        48 => ("whole", 0, false),
        36 => ("half", 1, false),
        24 => ("half", 0, false),
        18 => ("quarter", 1, false),
        12 => ("quarter", 0, false),
        9 => ("eighth", 1, false),
        8 => ("quarter", 0, true),
        6 => ("eighth", 0, false),
        4 => ("eighth", 0, true),
        _ => ("16th", 0, false),
    };
    let _ = write!(xml, "<type>{kind}</type>{}", "<dot/>".repeat(dots));
    if triplet {
        xml.push_str(
            "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>",
        );
    }
    if piece.tied_before || piece.tied_after {
        xml.push_str("<notations>");
        for (tied, kind) in [(piece.tied_before, "stop"), (piece.tied_after, "start")] {
            if tied {
                let _ = write!(xml, "<tied type=\"{kind}\"/>");
            }
        }
        xml.push_str("</notations>");
    }
    xml.push_str("</note>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
