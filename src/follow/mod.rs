//! Observations -> where the singer is.
