//! The guard against hosts that break promises.
