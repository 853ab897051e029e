//! Mix -> voice and backing.
