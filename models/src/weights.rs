//! Weights in the program: checked before they are used.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Weights that cannot be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum WeightsError {
    /// They are not those that were trained.
    #[error("the weights are damaged: their SHA-256 is {found}, not {expected}")]
    Damaged {
        /// SHA-256 of the weights as they should be, in hexadecimal digits.
        expected: String,
        /// That of those that were given.
        found: String,
    },
    /// They are of another network.
    #[error("the weights do not fit the network: {0}")]
    Unfit(String),
}

/// Bytes of a file in the program, aligned as tensors have to be. `include_bytes!` alone promises nothing of the kind.
#[repr(C, align(256))]
pub(crate) struct Aligned<T: ?Sized>(pub T);

/// Refuses weights whose SHA-256 is another one than `expected`, in hexadecimal digits.
pub(crate) fn verify(weights: &[u8], expected: &str) -> Result<(), WeightsError> {
    let found = Sha256::digest(weights).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let expected = expected.trim();
    if found == expected {
        Ok(())
    } else {
        Err(WeightsError::Damaged { expected: expected.to_owned(), found })
    }
}
