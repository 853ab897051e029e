//! The arrays of buffers that the framework gets in place of the host's.

use std::ptr::null_mut;

use nice_plug::prelude::AudioIOLayout;
use nice_plug::wrapper::vst3::vst3::ComWrapper;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessorTrait, IEventList, ProcessContext,
    ProcessContext_::StatesAndFlags_, ProcessData,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{kResultOk, tresult};

use super::window::Window;

/// The channels of all buses in one direction.
struct Side {
    /// For each bus where its channels begin among all, then how many there are in all.
    starts: Vec<usize>,
    /// For each channel a buffer of our own, for where the host gives none.
    scratch: Vec<Vec<f32>>,
    /// For each channel what the framework gets.
    pointers: Vec<*mut f32>,
    /// For each bus what the framework gets.
    buses: Vec<AudioBusBuffers>,
}

impl Side {
    fn new(channels: impl Iterator<Item = usize>, max_block: usize) -> Self {
        let mut starts = vec![0];
        starts.extend(channels.scan(0, |end, n| {
            *end += n;
            Some(*end)
        }));
        let count = starts.last().copied().unwrap_or(0);
        let scratch = vec![vec![0.0; max_block]; count];
        let bus = |ends: &[usize]| AudioBusBuffers {
            numChannels: (ends[1] - ends[0]) as i32,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: null_mut() },
        };
        let buses = starts.windows(2).map(bus).collect();
        Self { pointers: vec![null_mut(); count], scratch, buses, starts }
    }

    /// Points every bus to its channels. The pointers move only when the exchange is made anew.
    fn link(&mut self) {
        for (bus, start) in self.buses.iter_mut().zip(&self.starts) {
            bus.__field0.channelBuffers32 = self.pointers[*start..].as_mut_ptr();
            bus.silenceFlags = 0;
        }
    }

    /// Channels of a bus among all channels.
    fn range(&self, bus: usize) -> std::ops::Range<usize> {
        self.starts[bus]..self.starts[bus + 1]
    }

    fn bus_count(&self) -> usize {
        self.buses.len()
    }
}

/// Buffers between the host and the framework.
pub(super) struct Exchange {
    max_block: usize,
    has_main_input: bool,
    has_main_output: bool,
    inputs: Side,
    outputs: Side,
}

/// The pointer to a channel's samples in the host's buses; none if anything on the way to it is missing.
///
/// # Safety
///
/// `buses` is null or holds `count` buses whose arrays of channels are null or as long as they say.
unsafe fn host_channel(
    buses: *const AudioBusBuffers,
    count: i32,
    bus: usize,
    channel: usize,
) -> Option<*mut f32> {
    if buses.is_null() || usize::try_from(count).is_ok_and(|count| bus >= count) || count < 0 {
        return None;
    }
    // SAFETY: the bus is within the host's array.
    let bus = unsafe { &*buses.add(bus) };
    // SAFETY: both members of the union are pointers, and only samples of 32 bits come this far.
    let channels = unsafe { bus.__field0.channelBuffers32 };
    if channels.is_null() || usize::try_from(bus.numChannels).map_or(true, |count| channel >= count) {
        return None;
    }
    // SAFETY: the channel is within the host's array.
    let samples = unsafe { *channels.add(channel) };
    (!samples.is_null()).then_some(samples)
}

impl Exchange {
    /// Makes buffers for blocks of up to `max_block` samples.
    pub(super) fn new(layout: &AudioIOLayout, max_block: usize) -> Self {
        let ins = layout.main_input_channels.iter().chain(layout.aux_input_ports);
        let outs = layout.main_output_channels.iter().chain(layout.aux_output_ports);
        Self {
            max_block,
            has_main_input: layout.main_input_channels.is_some(),
            has_main_output: layout.main_output_channels.is_some(),
            inputs: Side::new(ins.map(|n| n.get() as usize), max_block),
            outputs: Side::new(outs.map(|n| n.get() as usize), max_block),
        }
    }

    /// Has `inner` process the host's block in pieces of at most the size that was announced.
    ///
    /// # Safety
    ///
    /// Everything in `data` that is not null is as VST3 promises.
    pub(super) unsafe fn process<P: IAudioProcessorTrait>(
        &mut self,
        inner: &P,
        data: &ProcessData,
        events: &[ComWrapper<Window>; 2],
        is_main_active: bool,
    ) -> tresult {
        let samples = usize::try_from(data.numSamples).unwrap_or(0);
        // Without samples or outputs only parameters and events are meant. Some hosts say so by a main output
        // without channels.
        let is_flush = samples == 0 || data.numOutputs <= 0 || data.outputs.is_null() || {
            // SAFETY: there is at least one output bus.
            is_main_active && self.has_main_output && unsafe { (*data.outputs).numChannels } <= 0
        };
        if is_flush {
            let mut flush = ProcessData { numInputs: 0, numOutputs: 0, ..*data };
            (flush.inputs, flush.outputs) = (null_mut(), null_mut());
            // SAFETY: a copy of the host's, without buffers.
            return unsafe { inner.process(&raw mut flush) };
        }
        let mut result = kResultOk;
        for start in (0..samples).step_by(self.max_block) {
            let length = (samples - start).min(self.max_block);
            // SAFETY: the piece lies in the host's block.
            unsafe { self.fill(data, start, length) };
            let mut piece = ProcessData {
                numSamples: length as i32,
                numInputs: self.inputs.bus_count() as i32,
                numOutputs: self.outputs.bus_count() as i32,
                inputs: self.inputs.buses.as_mut_ptr(),
                outputs: self.outputs.buses.as_mut_ptr(),
                ..*data
            };
            // SAFETY: null or valid.
            let mut context = unsafe { data.processContext.as_ref() }.copied();
            if let Some(context) = &mut context {
                advance(context, start);
                piece.processContext = context;
            }
            if samples > self.max_block {
                let end = if start + length == samples { i32::MAX } else { (start + length) as i32 };
                show(&events[0], &mut piece.inputEvents, start as i32, end);
                show(&events[1], &mut piece.outputEvents, start as i32, end);
                if start > 0 {
                    piece.inputParameterChanges = null_mut();
                }
            }
            // SAFETY: every bus that was declared is there, with pointers to `length` samples each.
            let one = unsafe { inner.process(&raw mut piece) };
            if one != kResultOk {
                result = one;
            }
        }
        for window in events {
            window.show(null_mut(), 0, 0);
        }
        // SAFETY: see above.
        unsafe { self.finish(data, samples) };
        result
    }

    /// Sets the pointers for one piece of the block.
    ///
    /// # Safety
    ///
    /// As for `process`; the piece lies in the block.
    unsafe fn fill(&mut self, data: &ProcessData, start: usize, length: usize) {
        for bus in 0..self.outputs.bus_count() {
            for (channel, at) in self.outputs.range(bus).enumerate() {
                // SAFETY: as for this function.
                let host = unsafe { host_channel(data.outputs, data.numOutputs, bus, channel) };
                // SAFETY: the piece lies in the block.
                let host = host.map(|samples| unsafe { samples.add(start) });
                // A buffer that is given twice would be two exclusive slices.
                let host = host.filter(|samples| !self.outputs.pointers[..at].contains(samples));
                self.outputs.pointers[at] = host.unwrap_or(self.outputs.scratch[at].as_mut_ptr());
            }
        }
        for bus in 0..self.inputs.bus_count() {
            let is_main = bus == 0 && self.has_main_input;
            for (channel, at) in self.inputs.range(bus).enumerate() {
                let scratch = &mut self.inputs.scratch[at][..length];
                let mut last = None;
                for source in (0..=channel).rev() {
                    // SAFETY: as for this function.
                    last = unsafe { host_channel(data.inputs, data.numInputs, bus, source) };
                    if last.is_some() || !is_main {
                        break;
                    }
                }
                // SAFETY: the piece lies in the block.
                let last = last.map(|samples| unsafe { samples.add(start) });
                let Some(samples) = last else {
                    scratch.fill(0.0);
                    self.inputs.pointers[at] = scratch.as_mut_ptr();
                    continue;
                };
                // The framework copies the main inputs to the main outputs one by one, before it looks at the
                // others: what it would overwrite is kept.
                let in_place = (is_main && self.has_main_output).then_some(channel);
                let main_outputs = if self.has_main_output { self.outputs.range(0) } else { 0..0 };
                let is_overwritten = main_outputs
                    .enumerate()
                    .any(|(out, to)| self.outputs.pointers[to] == samples && Some(out) != in_place);
                self.inputs.pointers[at] = samples;
                if is_overwritten {
                    // SAFETY: the host's buffer is valid for reading, and ours is another.
                    unsafe { std::ptr::copy_nonoverlapping(samples, scratch.as_mut_ptr(), length) };
                    self.inputs.pointers[at] = scratch.as_mut_ptr();
                }
            }
        }
        self.inputs.link();
        self.outputs.link();
    }

    /// Silences what the host has beyond what was declared, and says what is silent.
    ///
    /// # Safety
    ///
    /// As for `process`.
    unsafe fn finish(&self, data: &ProcessData, samples: usize) {
        let last_piece = samples.saturating_sub(1) / self.max_block * self.max_block;
        for bus in 0..usize::try_from(data.numOutputs).unwrap_or(0) {
            let declared = if bus < self.outputs.bus_count() { self.outputs.range(bus).len() } else { 0 };
            // SAFETY: the bus is within the host's array, which it lends for writing.
            let host = unsafe { &mut *data.outputs.add(bus) };
            let count = usize::try_from(host.numChannels).unwrap_or(0);
            host.silenceFlags = 0;
            for channel in declared..count {
                // SAFETY: as for this function.
                let extra = unsafe { host_channel(data.outputs, data.numOutputs, bus, channel) };
                let Some(extra) = extra else { continue };
                // A buffer that is a declared channel's as well keeps what was played there.
                if !self.outputs.pointers.contains(&extra.wrapping_add(last_piece)) {
                    // SAFETY: the buffer holds a whole block.
                    unsafe { std::ptr::write_bytes(extra, 0, samples) };
                }
            }
        }
    }
}

/// Shows a part of a list of events instead of the list.
fn show(window: &ComWrapper<Window>, list: &mut *mut IEventList, from: i32, to: i32) {
    if list.is_null() {
        return;
    }
    window.show(*list, from, to);
    if let Some(shown) = window.as_com_ref::<IEventList>() {
        *list = shown.as_ptr();
    }
}

/// Moves the host's position by some samples.
fn advance(context: &mut ProcessContext, samples: usize) {
    context.projectTimeSamples = context.projectTimeSamples.saturating_add(samples as i64);
    context.continousTimeSamples = context.continousTimeSamples.saturating_add(samples as i64);
    // The type of the flags differs between platforms.
    #[allow(clippy::unnecessary_cast)]
    let has_tempo = context.state & StatesAndFlags_::kTempoValid as u32 != 0;
    if has_tempo && context.sampleRate > 0.0 {
        context.projectTimeMusic += samples as f64 / context.sampleRate * context.tempo / 60.0;
    }
}
