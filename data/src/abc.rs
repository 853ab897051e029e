//! Tunes in ABC notation, as far as the Nottingham collection uses it.

use collavoce::score::{ChordSpan, ChordSymbol, Key};
use collavoce::time::{Meter, MeterError, TickCount, Ticks};

use crate::tune::Tune;

/// Ticks of a whole note.
const WHOLE: i64 = 3840;
/// Largest number in a length that is read as it is.
const MOST: i64 = 10_000;

/// Reads every tune; returns those that could be read and the reasons why others could not.
pub fn read(text: &str) -> (Vec<Tune>, Vec<String>) {
    let (mut tunes, mut refused) = (Vec::new(), Vec::new());
    for block in text.split("\nX:").filter(|b| b.contains("\nK:")) {
        let name = title(block);
        match read_tune(block, &name) {
            Ok(tune) => tunes.push(tune),
            Err(why) => refused.push(format!("{name}: {why}")),
        }
    }
    (tunes, refused)
}

/// A tune as it is written, pickup and changes included.
pub(crate) struct Written {
    /// Its title.
    pub name: String,
    /// (start, end) of bars in ticks, and whether the line after it is doubled.
    pub bars: Vec<(i64, i64, bool)>,
    /// Time signatures from a tick on; the first is at 0.
    pub meters: Vec<(i64, (u8, u8))>,
    /// Keys from a tick on; the first is at 0.
    pub keys: Vec<(i64, Key)>,
    /// (start, end, MIDI pitch) in order.
    pub notes: Vec<(Ticks, Ticks, u8)>,
    /// Chord symbols in order.
    pub chords: Vec<(Ticks, ChordSymbol)>,
    /// Chord symbols that are not known.
    pub unknown_chords: usize,
    /// Grace notes, which are passed over.
    pub grace_notes: usize,
}

/// Reads every tune as it is written; an error is its title and the reason.
pub(crate) fn read_written(text: &str) -> Vec<Result<Written, (String, String)>> {
    let blocks = text.split("\nX:").filter(|block| block.contains("T:") || block.contains("K:"));
    let read = blocks.map(|block| {
        let name = title(block);
        let opened = open(block, true).and_then(|(head, body)| {
            let (mut meters, mut keys) = (vec![(0, numbers(&head.meter)?)], vec![(0, head.key)]);
            let mut reader = Reader::new(&body, &head, true);
            reader.read()?;
            meters.append(&mut reader.meters);
            keys.append(&mut reader.keys);
            let Reader { bars, notes, chords, unknown_chords, grace_notes, .. } = reader;
            Ok(Written { name: name.clone(), bars, meters, keys, notes, chords, unknown_chords, grace_notes })
        });
        opened.map_err(|why| (name, why))
    });
    read.collect()
}

fn title(block: &str) -> String {
    block.lines().find_map(|l| l.strip_prefix("T:")).unwrap_or("?").trim().to_owned()
}

struct Reader<'a> {
    text: std::iter::Peekable<std::str::Chars<'a>>,
    unit: i64,
    key: Key,
    at: i64,
    bar_start: i64,
    accidentals: Vec<(u8, i32, i32)>,
    notes: Vec<(Ticks, Ticks, u8)>,
    chords: Vec<(Ticks, ChordSymbol)>,
    /// (start, end) of bars as written, and whether the line after it is doubled.
    bars: Vec<(i64, i64, bool)>,
    tuplet: (i64, i64, u32),
    broken: i32,
    tie: bool,
    /// Whether metre and key may change within the tune, and where they did.
    may_change: bool,
    meters: Vec<(i64, (u8, u8))>,
    keys: Vec<(i64, Key)>,
    unknown_chords: usize,
    grace_notes: usize,
}

/// The head of a tune.
struct Head {
    meter: String,
    unit: i64,
    key: Key,
}

/// Upper and lower number of a metre.
fn numbers(text: &str) -> Result<(u8, u8), String> {
    let unknown = || format!("metre {text}");
    let (beats, unit) = text.split_once('/').ok_or_else(unknown)?;
    let number = |text: &str| text.trim().parse::<u8>().map_err(|_| unknown());
    let (beats, unit) = (number(beats)?, number(unit)?);
    if beats == 0 || !unit.is_power_of_two() || unit > 32 { Err(unknown()) } else { Ok((beats, unit)) }
}

fn metre_text(text: &str) -> &str {
    match text.trim() {
        "C" => "4/4",
        "C|" => "2/2",
        other => other,
    }
}

fn read_tune(block: &str, name: &str) -> Result<Tune, String> {
    let (head, body) = open(block, false)?;
    let meter: Meter = head.meter.parse().map_err(|e: MeterError| e.to_string())?;
    let mut reader = Reader::new(&body, &head, false);
    reader.read()?;
    reader.assemble(name, meter)
}

/// Head and body of a tune. Where changes are allowed, fields within the body become inline ones.
fn open(block: &str, may_change: bool) -> Result<(Head, String), String> {
    let mut meter = None;
    let mut unit = None;
    let mut key: Option<Key> = None;
    let mut body = String::new();
    for line in block.lines() {
        let line = line.split('%').next().unwrap_or("").trim_end();
        if key.is_some() && may_change && (line.starts_with("M:") || line.starts_with("K:")) {
            body.push_str(&format!("[{line}] "));
        } else if let Some(text) = line.strip_prefix("M:") {
            if key.is_some() {
                return Err("the metre changes".to_owned());
            }
            meter = Some(metre_text(text).to_owned());
        } else if let Some(text) = line.strip_prefix("L:") {
            unit = Some(unit_of(text)?);
        } else if let Some(text) = line.strip_prefix("K:") {
            if key.is_some() {
                return Err("the key changes".to_owned());
            }
            key = Some(text.trim().parse::<Key>().map_err(|e| e.to_string())?);
        } else if key.is_some()
            && !(line.len() > 1 && line.as_bytes()[1] == b':' && line.as_bytes()[0].is_ascii_uppercase())
        {
            body.push_str(line.trim_end_matches('\\'));
            body.push(' ');
        }
    }
    let (meter, key) = (meter.ok_or("no metre")?, key.ok_or("no key")?);
    Ok((Head { meter, unit: unit.unwrap_or(WHOLE / 8), key }, body))
}

/// Ticks of a unit length such as `1/8`.
fn unit_of(text: &str) -> Result<i64, String> {
    let (n, d) = text.trim().split_once('/').ok_or("L: is no fraction")?;
    let number = |text: &str| text.parse::<i64>().map_err(|e| e.to_string());
    let (n, d) = (number(n)?, number(d)?);
    if (1..=64).contains(&n) && (1..=64).contains(&d) {
        Ok(WHOLE * n / d)
    } else {
        Err(format!("a unit length of {n}/{d}"))
    }
}

impl<'a> Reader<'a> {
    fn new(body: &'a str, head: &Head, may_change: bool) -> Self {
        Self {
            text: body.chars().peekable(),
            unit: head.unit,
            key: head.key,
            at: 0,
            bar_start: 0,
            accidentals: Vec::new(),
            notes: Vec::new(),
            chords: Vec::new(),
            bars: Vec::new(),
            tuplet: (1, 1, 0),
            broken: 0,
            tie: false,
            may_change,
            meters: Vec::new(),
            keys: Vec::new(),
            unknown_chords: 0,
            grace_notes: 0,
        }
    }

    /// A field within the tune, behind its bracket.
    fn field(&mut self) -> Result<(), String> {
        let text: String = self.text.by_ref().take_while(|c| *c != ']').collect();
        match text.split_once(':') {
            Some(("M", text)) => self.meters.push((self.at, numbers(metre_text(text))?)),
            Some(("K", text)) => {
                self.key = text.trim().parse::<Key>().map_err(|e| e.to_string())?;
                self.keys.push((self.at, self.key));
            }
            Some(("L", text)) => self.unit = unit_of(text)?,
            _ => return Err("notes stand on each other".to_owned()),
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), String> {
        while let Some(c) = self.text.next() {
            match c {
                '"' => {
                    let name: String = self.text.by_ref().take_while(|c| *c != '"').collect();
                    match name.trim().parse() {
                        Ok(chord) => self.chords.push((Ticks(self.at), chord)),
                        Err(_) => self.unknown_chords += 1,
                    }
                }
                '|' | ':' => self.bar_line(c),
                '(' => {
                    if let Some(n) = self.text.peek().and_then(|c| c.to_digit(10)) {
                        self.text.next();
                        self.tuplet = match n {
                            0 => return Err("a tuplet of no notes".to_owned()),
                            2 => (3, 2, 2),
                            4 => (3, 4, 4),
                            n => (2, i64::from(n), n),
                        };
                    }
                }
                '{' => {
                    while let Some(c) = self.text.next().filter(|c| *c != '}') {
                        self.grace_notes += usize::from(c.is_ascii_alphabetic());
                    }
                }
                // `[1` and `[|` begin endings; chords of notes do not occur in melodies.
                '[' if self.may_change && self.text.peek().is_some_and(char::is_ascii_uppercase) => {
                    self.field()?;
                }
                '[' if !self.text.peek().is_some_and(|c| c.is_ascii_digit() || *c == '|') => {
                    return Err("notes stand on each other".to_owned());
                }
                '>' => self.broken = 1,
                '<' => self.broken = -1,
                '-' => self.tie = true,
                '^' | '_' | '=' | 'a'..='g' | 'A'..='G' => self.note(c)?,
                'z' | 'x' => {
                    let length = self.length();
                    self.at += length;
                }
                _ => {}
            }
        }
        self.close_bar(true);
        Ok(())
    }

    fn bar_line(&mut self, first: char) {
        let mut line = String::from(first);
        while let Some(c) = self.text.peek().filter(|c| matches!(c, '|' | ':' | ']')) {
            line.push(*c);
            self.text.next();
        }
        if line == ":" {
            return;
        }
        self.close_bar(line.contains(':') || line.contains("||") || line.contains(']'));
        // The number of an ending may stand right behind the line.
        if self.text.peek().is_some_and(char::is_ascii_digit) {
            self.text.next();
        }
    }

    fn close_bar(&mut self, doubled: bool) {
        if self.at > self.bar_start {
            self.bars.push((self.bar_start, self.at, doubled));
        } else if let Some(last) = self.bars.last_mut() {
            last.2 |= doubled;
        }
        self.bar_start = self.at;
        self.accidentals.clear();
    }

    fn note(&mut self, first: char) -> Result<(), String> {
        let mut accidental = None;
        let mut letter = first;
        while matches!(letter, '^' | '_' | '=') {
            let step = match letter {
                '^' => 1,
                '_' => -1,
                _ => 0,
            };
            accidental = Some(accidental.unwrap_or(0) + step);
            letter = self.text.next().ok_or("an accidental without a note")?;
        }
        let natural = match letter.to_ascii_uppercase() {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return Err(format!("{letter:?} is no note")),
        };
        let mut octave = if letter.is_ascii_lowercase() { 1 } else { 0 };
        while let Some(c) = self.text.peek().filter(|c| matches!(c, '\'' | ',')) {
            octave += if *c == '\'' { 1 } else { -1 };
            self.text.next();
        }
        let alter = match accidental {
            Some(alter) => {
                self.accidentals.push((natural as u8, octave, alter));
                alter
            }
            None => {
                let known =
                    self.accidentals.iter().rev().find(|(n, o, _)| i32::from(*n) == natural && *o == octave);
                known.map_or_else(|| self.signature(natural), |(_, _, alter)| *alter)
            }
        };
        let length = self.length();
        let pitch = (60 + natural + 12 * octave + alter).clamp(0, 127) as u8;
        let (start, end) = (Ticks(self.at), Ticks(self.at + length));
        match self.notes.last_mut() {
            Some(last) if self.tie && last.2 == pitch && last.1 == start => last.1 = end,
            _ => self.notes.push((start, end, pitch)),
        }
        self.tie = false;
        self.at += length;
        Ok(())
    }

    /// What the key signature does to a natural.
    fn signature(&self, natural: i32) -> i32 {
        const SHARPS: [i32; 7] = [5, 0, 7, 2, 9, 4, 11];
        let fifths = i32::from(self.key.fifths());
        let order = SHARPS.iter().position(|n| *n == natural).unwrap_or(0) as i32;
        if order < fifths {
            1
        } else if 6 - order < -fifths {
            -1
        } else {
            0
        }
    }

    fn length(&mut self) -> i64 {
        let mut number = |default: i64| {
            let mut value = None;
            while let Some(d) = self.text.peek().and_then(|c| c.to_digit(10)) {
                value = Some((value.unwrap_or(0) * 10 + i64::from(d)).min(MOST));
                self.text.next();
            }
            value.unwrap_or(default)
        };
        let above = number(1);
        let mut below = 1;
        while self.text.peek() == Some(&'/') {
            self.text.next();
            let mut value = None;
            while let Some(d) = self.text.peek().and_then(|c| c.to_digit(10)) {
                value = Some((value.unwrap_or(0) * 10 + i64::from(d)).min(MOST));
                self.text.next();
            }
            below = (below * value.unwrap_or(2)).min(MOST);
        }
        let mut length = self.unit * above / below.max(1);
        if self.tuplet.2 > 0 {
            length = length * self.tuplet.0 / self.tuplet.1;
            self.tuplet.2 -= 1;
        }
        if self.broken != 0 {
            let half = length / 2;
            length = if self.broken > 0 { half } else { length + half };
            if let Some(last) = self.notes.last_mut() {
                let change = if self.broken > 0 { half } else { -half };
                last.1 = Ticks(last.1.0 + change);
                self.at += change;
            }
            self.broken = 0;
        }
        length
    }

    /// Sets bars to where they belong: a short first one is a pickup, two short ones make one.
    fn assemble(self, name: &str, meter: Meter) -> Result<Tune, String> {
        let full = meter.bar().0;
        let mut moves: Vec<(i64, i64, i64)> = Vec::new();
        let mut doubled = Vec::new();
        let mut next = 0;
        let mut open = 0;
        for (index, (start, end, double)) in self.bars.iter().enumerate() {
            let length = end - start;
            if length > full {
                return Err("a bar is too long".to_owned());
            }
            if index == 0 && length < full {
                // The pickup comes before tick 0 and is left out.
                moves.push((*start, *end, -full));
                continue;
            }
            if open > 0 && open + length <= full {
                moves.push((*start, *end, next - full + open - start));
                open = if open + length == full { 0 } else { open + length };
            } else {
                moves.push((*start, *end, next - start));
                next += full;
                open = if length < full { length } else { 0 };
            }
            if *double {
                doubled.push((next / full) as usize);
            }
        }
        let shift = |at: Ticks| {
            moves.iter().find(|(s, e, _)| (*s..*e).contains(&at.0)).map(|(_, _, by)| Ticks(at.0 + by))
        };
        let melody: Vec<_> = self
            .notes
            .iter()
            .filter_map(|(s, e, p)| {
                shift(*s).filter(|s| s.0 >= 0).map(|start| (start, start + (*e - *s), *p))
            })
            .collect();
        let starts: Vec<(Ticks, ChordSymbol)> =
            self.chords.iter().filter_map(|(t, c)| shift(*t).filter(|t| t.0 >= 0).map(|t| (t, *c))).collect();
        let end = Ticks(next);
        let chords = (0..starts.len())
            .map(|i| {
                let until = starts.get(i + 1).map_or(end, |(t, _)| *t);
                ChordSpan {
                    start: starts[i].0,
                    length: TickCount((until - starts[i].0).0.max(1)),
                    chord: starts[i].1,
                }
            })
            .collect::<Vec<_>>();
        if chords.len() < 4 || melody.len() < 8 {
            return Err("too few notes or chords".to_owned());
        }
        let mut tune = Tune {
            name: name.to_owned(),
            key: self.key,
            meter,
            bars: (next / full) as usize,
            melody,
            chords,
            phrase_ends: Vec::new(),
        };
        tune.find_phrases(&doubled);
        Ok(tune)
    }
}
