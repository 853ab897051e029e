//! The rules. Each adds `path:line: what is wrong` to the problems.

use super::Source;
use crate::blank::{blank, find_words, is_word};

/// Most lines in a source file.
const MAX_LINES: usize = 600;

/// Names that may stand in some places only.
struct Fence {
    words: &'static [&'static str],
    /// Where the rule holds.
    within: &'static [&'static str],
    /// Where the words may stand nevertheless: beginnings of paths.
    allowed: &'static [&'static str],
    /// Whether they may stand in tests.
    in_tests: bool,
    reason: &'static str,
}

const FENCES: [Fence; 6] = [
    Fence {
        words: &["burn::", "use burn", "extern crate burn"],
        within: &[""],
        allowed: &["models/", "training/"],
        in_tests: false,
        reason: "burn belongs in models/ and training/",
    },
    Fence {
        words: &["nice_plug"],
        within: &[""],
        allowed: &["plugin/"],
        in_tests: false,
        reason: "nice_plug belongs in plugin/",
    },
    Fence {
        words: &["std::thread", "thread::spawn", "Instant", "SystemTime"],
        within: &["src/", "plugin/", "eval/"],
        allowed: &[
            "src/engine/live",
            "plugin/src/desk",
            "plugin/src/deck",
            "src/cli/",
            "plugin/examples/",
            "eval/src/harmony/cost",
            "eval/src/band/cost",
            "eval/src/separate/cost",
        ],
        in_tests: false,
        reason: "threads and clocks belong in engine/live, the plugin's desk and deck, the command line and measures of cost",
    },
    Fence {
        words: &["std::fs", "File::", "OpenOptions"],
        within: &["src/"],
        allowed: &["src/audio/file", "src/bounce/", "src/song/", "src/cli/", "src/main.rs"],
        in_tests: true,
        reason: "files belong in audio/file, bounce, song and the command line",
    },
    Fence {
        words: &["Mutex", "RwLock", "Condvar", "mpsc", "crossbeam", "sleep"],
        within: &[
            "plugin/src/deck.rs",
            "plugin/src/lib.rs",
            "plugin/src/notes_out.rs",
            "src/engine/live/feed.rs",
            "src/engine/player.rs",
            "src/instrument/",
        ],
        allowed: &[],
        in_tests: false,
        reason: "the audio thread locks nothing and waits for nothing",
    },
    Fence {
        words: &["std::net", "TcpStream", "TcpListener", "UdpSocket"],
        within: &[""],
        allowed: &[],
        in_tests: false,
        reason: "nothing here talks to a network",
    },
];

/// Checks one file.
pub fn check(source: &Source, order: &[String], problems: &mut Vec<String>) {
    absolute_paths(source, problems);
    if !source.path.ends_with(".rs") {
        leftovers(source, &source.text, problems);
        return;
    }
    let code = blank(&source.text);
    leftovers(source, &code, problems);
    length(source, problems);
    unsafe_has_reason(source, &code, problems);
    modules_look_up(source, &code, order, problems);
    for fence in &FENCES {
        fenced(source, &code, fence, problems);
    }
}

fn report(source: &Source, text: &str, at: usize, problem: &str, problems: &mut Vec<String>) {
    let line = text[..at].matches('\n').count() + 1;
    problems.push(format!("{}:{line}: {problem}", source.path));
}

/// The modules of the library in the order in which `lib.rs` names them.
pub fn module_order(lib: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    blank(lib).lines().filter_map(name).collect()
}

/// The module of the library that a file belongs to.
fn module_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    rest.split('/').next().map(|first| first.strip_suffix(".rs").unwrap_or(first))
}

fn modules_look_up(source: &Source, code: &str, order: &[String], problems: &mut Vec<String>) {
    let place = |name: &str| order.iter().position(|module| module == name);
    let Some(here) = module_of(&source.path).and_then(place) else { return };
    for at in find_words(code, "crate::") {
        for name in imported(&code[at + "crate::".len()..]) {
            if place(name).is_some_and(|there| there > here) {
                let problem =
                    format!("{} must not import {name}, which comes after it in lib.rs", order[here]);
                report(source, code, at, &problem, problems);
            }
        }
    }
}

/// The first names of what follows `crate::`, whether it is a path or a list of paths in braces.
fn imported(rest: &str) -> Vec<&str> {
    let name = |text: &'_ str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let Some(list) = rest.strip_prefix('{') else { return vec![&rest[..name(rest)]] };
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && is_word(c) => {
                fresh = false;
                names.push(&list[at..at + name(&list[at..])]);
            }
            _ => {}
        }
    }
    names
}

fn fenced(source: &Source, code: &str, fence: &Fence, problems: &mut Vec<String>) {
    let begins = |starts: &[&str]| starts.iter().any(|start| source.path.starts_with(start));
    if !begins(fence.within) || begins(fence.allowed) {
        return;
    }
    let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
    if fence.in_tests && is_test {
        return;
    }
    // By custom the tests of a file are its last module.
    let end = match code.find("#[cfg(test)]\nmod tests {") {
        Some(at) if fence.in_tests => at,
        _ => code.len(),
    };
    for (index, line) in code[..end].lines().enumerate() {
        if let Some(word) = fence.words.iter().find(|word| find_words(line, word).next().is_some()) {
            problems.push(format!("{}:{}: {}: {word}", source.path, index + 1, fence.reason));
        }
    }
}

fn unsafe_has_reason(source: &Source, code: &str, problems: &mut Vec<String>) {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    for at in find_words(code, "unsafe") {
        let line = code[..at].matches('\n').count();
        let above = lines[..line].iter().rev().skip_while(|l| l.starts_with("#["));
        let said =
            above.take_while(|l| l.starts_with("//")).any(|l| l.contains("SAFETY:") || *l == "/// # Safety");
        if !said {
            report(source, code, at, "unsafe without a comment `// SAFETY:` just above", problems);
        }
    }
}

fn length(source: &Source, problems: &mut Vec<String>) {
    let lines = source.text.lines().count();
    let counted =
        ["src/", "plugin/", "eval/", "hosts/", "xtask/", "tests/"].iter().any(|f| source.path.starts_with(f));
    if counted && lines > MAX_LINES {
        problems.push(format!("{}: {lines} lines; split it by {MAX_LINES}", source.path));
    }
}

/// Unfinished work: macros in code, marks anywhere.
fn leftovers(source: &Source, code: &str, problems: &mut Vec<String>) {
    if matches!(source.path.as_str(), "Cargo.lock" | "COPYING") {
        return;
    }
    if source.path.ends_with(".rs") {
        for word in ["todo!", "unimplemented!"] {
            for at in find_words(code, word) {
                report(source, code, at, &format!("{word} is left"), problems);
            }
        }
    }
    for word in [concat!("FIX", "ME"), concat!("XX", "X")] {
        for at in find_words(&source.text, word) {
            report(source, &source.text, at, &format!("{word} is left"), problems);
        }
    }
}

/// Paths that only exist on one machine.
fn absolute_paths(source: &Source, problems: &mut Vec<String>) {
    let starts = [
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("C:\\Use", "rs\\"),
    ];
    for start in starts {
        for (at, _) in source.text.match_indices(start) {
            let before = source.text[..at].chars().next_back();
            // Else it is the middle of a longer path or of an address.
            if !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '-' | '/' | '~' | '}' | ')' | '*')) {
                report(source, &source.text, at, &format!("a path of one machine: {start}"), problems);
            }
        }
    }
}

/// Every `docs/*.md` that a text names has to be there.
pub fn documents_exist(source: &Source, exists: &dyn Fn(&str) -> bool, problems: &mut Vec<String>) {
    for at in find_words(&source.text, "docs/") {
        let rest = &source.text[at..];
        let end = rest.find(|c: char| !(is_word(c) || matches!(c, '/' | '-' | '.'))).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches('.');
        if path.ends_with(".md") && !exists(path) {
            report(source, &source.text, at, &format!("{path} does not exist"), problems);
        }
    }
}
