//! What half precision has rounded away, made up: weights in single precision that would be the embedded ones.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

/// A sequence that looks random (Knuth's MMIX).
pub(crate) struct Sequence(u64);

impl Sequence {
    /// The sequence of a number.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From -1 to 1.
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// Puts weights anywhere among the numbers that are rounded to them in half precision.
pub(crate) struct Unrounded(Sequence);

impl Unrounded {
    /// The weights of a number.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Sequence(seed))
    }
}

impl ModuleMapper for Unrounded {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let values: Vec<f32> = tensor
                .into_data()
                .try_to_vec::<f32>()
                .expect("numbers")
                .into_iter()
                .map(|value| {
                    // Eleven digits, the first of them not written; below 2^-14 they get fewer.
                    let exponent = value.abs().max(f32::MIN_POSITIVE).log2().floor().max(-14.0);
                    value + self.0.next() * (exponent - 11.0).exp2()
                })
                .collect();
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}
