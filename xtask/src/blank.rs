//! Rust source without what only looks like code.

/// The source with comments and the insides of literals turned into blanks; lines stay where they are.
pub fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let end = end.min(chars.len());
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that begins here, or here if none does.
fn skipped(chars: &[char], at: usize) -> usize {
    let is = |offset: usize, wanted: char| chars.get(at + offset) == Some(&wanted);
    match chars[at] {
        '/' if is(1, '/') => at + chars[at..].iter().take_while(|c| **c != '\n').count(),
        '/' if is(1, '*') => block_comment(chars, at),
        '"' => string(chars, at),
        'r' if !(at > 0 && is_word(chars[at - 1]) && !matches!(chars[at - 1], 'b' | 'c')) => {
            raw_string(chars, at)
        }
        '\'' if is(1, '\\') => {
            // The character after the backslash may itself be a quote.
            at + 3 + chars[(at + 3).min(chars.len())..].iter().take_while(|c| **c != '\'').count() + 1
        }
        '\'' if is(2, '\'') => at + 3,
        _ => at,
    }
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn raw_string(chars: &[char], from: usize) -> usize {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    let open = from + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return from;
    }
    let mut at = open + 1;
    while at < chars.len() {
        if chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

/// Whether a character can stand in a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Byte positions at which a name or path stands in code, not as part of a longer name.
pub fn find_words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let ends_in_name = word.chars().next_back().is_some_and(is_word);
        let goes_on = before.is_some_and(is_word) || ends_in_name && after.is_some_and(is_word);
        !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_stays() {
        for (source, code) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            (r#"f("unsafe \" x") y"#, "f( ) y"),
            ("r#\"a \" b\"# c", "c"),
            ("br\"x\" c", "b c"),
            ("var\"x\"", "var"),
            (r"'\'' 'x' 'a: &'a", "'a: &'a"),
            ("for x in r {}", "for x in r {}"),
        ] {
            let blanked = blank(source);
            assert_eq!(blanked.split_whitespace().collect::<Vec<_>>().join(" "), code, "{source}");
            assert_eq!(blanked.len(), source.len(), "{source}");
            assert_eq!(blanked.find('\n'), source.find('\n'), "{source}");
        }
    }

    #[test]
    fn what_is_not_closed_ends_with_the_file() {
        for source in ["\"a", "r#\"a", "/* a", "'\\", "\"a\\"] {
            assert_eq!(blank(source).trim(), "", "{source}");
        }
    }

    #[test]
    fn words_are_whole() {
        let found = |code, word| find_words(code, word).count();
        assert_eq!(found("unsafe_op unsafe { not_unsafe }", "unsafe"), 1);
        assert_eq!(found("std::fs::read mystd::fs std::fsx", "std::fs"), 1);
        assert_eq!(found("File::open MyFile::open", "File::"), 1);
    }
}
