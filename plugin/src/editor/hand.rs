//! How the editor moves parameters. A host that does not process, because nothing sounds, takes up a change only when
//! it processes again: until then what was asked for is shown.

use std::collections::HashMap;
use std::sync::Arc;

use nice_plug::params::internals::ParamPtr;
use nice_plug::prelude::{Param, ParamSetter};
use parking_lot::Mutex;

/// A change that the host has not taken up yet, as normalized values.
#[derive(Debug, Clone, Copy)]
struct Asked {
    before: f32,
    asked: f32,
}

/// The changes that the host has not taken up yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<Mutex<HashMap<ParamPtr, Asked>>>);

/// Moves parameters, and knows where they are.
pub(super) struct Hand<'a> {
    setter: ParamSetter<'a>,
    pending: Pending,
}

impl<'a> Hand<'a> {
    pub(super) fn new(setter: ParamSetter<'a>, pending: Pending) -> Self {
        Self { setter, pending }
    }

    /// Begins a gesture.
    pub(super) fn begin<P: Param>(&self, param: &P) {
        self.setter.begin_set_parameter(param);
    }

    /// Moves within a gesture, to a value that the parameter can take.
    pub(super) fn move_to<P: Param>(&self, param: &P, normalized: f32) {
        let before = param.unmodulated_normalized_value();
        let asked = param.preview_normalized(param.preview_plain(normalized.clamp(0.0, 1.0)));
        self.setter.set_parameter_normalized(param, asked);
        let mut pending = self.pending.0.lock();
        if asked == before || param.unmodulated_normalized_value() != before {
            pending.remove(&param.as_ptr());
        } else {
            pending.insert(param.as_ptr(), Asked { before, asked });
        }
    }

    /// Ends a gesture.
    pub(super) fn end<P: Param>(&self, param: &P) {
        self.setter.end_set_parameter(param);
    }

    /// Sets a parameter in one gesture.
    pub(super) fn set<P: Param>(&self, param: &P, normalized: f32) {
        self.begin(param);
        self.move_to(param, normalized);
        self.end(param);
    }

    /// Goes some steps up or down.
    pub(super) fn step<P: Param>(&self, param: &P, steps: i32) {
        let now = self.value(param);
        let mut value = now;
        for _ in 0..steps.abs() {
            value = match steps > 0 {
                true => param.next_normalized_step(value, false),
                false => param.previous_normalized_step(value, false),
            };
        }
        if value != now {
            self.set(param, value);
        }
    }

    /// Turns a switch.
    pub(super) fn toggle<P: Param>(&self, param: &P) {
        self.set(param, if self.is_on(param) { 0.0 } else { 1.0 });
    }

    /// Where a parameter is, or will be once the host takes up what was asked for.
    pub(super) fn value<P: Param>(&self, param: &P) -> f32 {
        let real = param.unmodulated_normalized_value();
        let mut pending = self.pending.0.lock();
        match pending.get(&param.as_ptr()).copied() {
            Some(asked) if asked.before == real => asked.asked,
            Some(_) => {
                pending.remove(&param.as_ptr());
                real
            }
            None => real,
        }
    }

    /// The same as the parameter counts it.
    pub(super) fn plain<P: Param>(&self, param: &P) -> P::Plain {
        param.preview_plain(self.value(param))
    }

    /// Whether a switch is on.
    pub(super) fn is_on<P: Param>(&self, param: &P) -> bool {
        self.value(param) >= 0.5
    }

    /// The same in words.
    pub(super) fn words<P: Param>(&self, param: &P) -> String {
        param.normalized_value_to_string(self.value(param), true)
    }
}
