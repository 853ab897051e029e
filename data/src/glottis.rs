//! What synthetic voices share: the flow that excites them, and how their curves turn.

use std::f32::consts::PI;

/// Samples of a period.
pub const TABLE: usize = 1_024;

/// One period of the derivative of a flow that rises slowly and falls fast while the glottis is open (after Rosenberg, JASA
/// 49, 1971): the share of the period in which it is open, and of that in which the flow rises.
pub fn flow_derivative(open: f32, skew: f32) -> Vec<f32> {
    let flow = |n: usize| {
        let t = n as f32 / TABLE as f32 / open;
        match t {
            t if t < skew => 0.5 * (1.0 - (PI * t / skew).cos()),
            t if t < 1.0 => (0.5 * PI * (t - skew) / (1.0 - skew)).cos(),
            _ => 0.0,
        }
    };
    (0..TABLE).map(|n| flow((n + 1) % TABLE) - flow(n)).collect()
}

/// A way from 0 to 1 that begins and ends level.
pub fn smooth(share: f32) -> f32 {
    let x = share.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}
