//! A small singing synthesiser: a timing curve and a melody in, voice and exact truth out.
