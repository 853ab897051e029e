//! Voice -> one observation per hop.
