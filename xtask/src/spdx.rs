//! SPDX licence expressions, as far as crates use them.

/// Whether the licences allowed satisfy an expression; an error says what cannot be read.
///
/// `A/B`, the old form of crates.io, means `A OR B`. `X WITH Y` has to be allowed by its whole name.
pub fn is_satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, allowed };
    let satisfied = parser.either()?;
    match parser.next() {
        None => Ok(satisfied),
        Some(word) => Err(format!("unexpected {word:?} in licence {expression:?}")),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    fn one(&mut self) -> Result<bool, String> {
        match self.next() {
            Some("(") => {
                let satisfied = self.either()?;
                if self.take(")") { Ok(satisfied) } else { Err("a parenthesis is not closed".to_owned()) }
            }
            Some(")" | "OR" | "AND" | "WITH") | None => Err("a licence is missing".to_owned()),
            Some(name) if self.take("WITH") => {
                let exception = self.next().ok_or("an exception is missing after WITH")?;
                Ok((self.allowed)(&format!("{name} WITH {exception}")))
            }
            Some(name) => Ok((self.allowed)(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Result<bool, String> {
        is_satisfied(expression, &|name| {
            ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].contains(&name)
        })
    }

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        for (expression, satisfied) in [
            ("MIT", true),
            ("Proprietary", false),
            ("MIT OR Proprietary", true),
            ("Proprietary/MIT", true),
            ("MIT AND Proprietary", false),
            ("Proprietary OR MIT AND Apache-2.0", true),
            ("(Proprietary OR MIT) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND Proprietary", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
        ] {
            assert_eq!(check(expression), Ok(satisfied), "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "AND", "MIT WITH"] {
            assert!(check(expression).is_err(), "{expression:?} was read");
        }
    }
}
