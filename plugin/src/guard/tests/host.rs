//! A host that breaks promises as it is told, and the plugin that it breaks them to.

use std::num::NonZeroU32;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::*;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event, Event_::EventTypes_, Event__type0, IEventList,
    IEventListTrait, IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait,
    NoteOnEvent,
};

use super::super::*;

pub(super) const IN: usize = 0;
pub(super) const OUT: usize = 1;
/// What is in a buffer that nobody has written to.
pub(super) const STALE: f32 = 77.0;
/// Samples behind the end of each buffer, which nobody may write to.
const MARGIN: usize = 4;
pub(super) const BLOCK: usize = 64;

#[derive(Params)]
struct ProbeParams {
    #[id = "level"]
    level: FloatParam,
}

impl Default for ProbeParams {
    fn default() -> Self {
        Self { level: FloatParam::new("Level", 0.0, FloatRange::Linear { min: 0.0, max: 1.0 }) }
    }
}

/// A plugin in the layouts of the real one that adds half the sidechain to its input, holds each stem at a value
/// of its own, sends back notes that begin, and tells each block's position by two notes that end.
#[derive(Default)]
pub(super) struct Probe {
    params: Arc<ProbeParams>,
    max_block: usize,
}

impl Plugin for Probe {
    const NAME: &'static str = "Probe";
    const VENDOR: &'static str = "Tests";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = "1.2.3";
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = crate::Collavoce::AUDIO_IO_LAYOUTS;
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.max_block = config.max_buffer_size as usize;
        layout.main_input_channels == NonZeroU32::new(2)
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        if buffer.samples() > self.max_block {
            return ProcessStatus::Error("longer than announced");
        }
        for (main, side) in buffer.as_slice().iter_mut().zip(aux.inputs[0].as_slice()) {
            main.iter_mut().zip(&**side).for_each(|(main, side)| *main += 0.5 * side);
        }
        for (k, stem) in aux.outputs.iter_mut().enumerate() {
            stem.as_slice().iter_mut().for_each(|channel| channel.fill(stem_level(k)));
        }
        let transport = context.transport();
        let position = transport.pos_samples().zip(transport.pos_beats());
        let told = position.map_or([None; 2], |(samples, beats)| [Some(samples as f32), Some(beats as f32)]);
        for (key, velocity) in told.into_iter().flatten().enumerate() {
            let (voice_id, channel, key) = (VoiceID::Wildcard, Channel::Number(0), Key::Number(key as u8));
            let event = NoteEvent::NoteOff { timing: 0, voice_id, channel, key, velocity };
            context.try_send_event(event).expect("the host takes events");
        }
        while let Some(event) = context.next_event() {
            context.try_send_event(event).expect("the host takes events");
        }
        ProcessStatus::Normal
    }
}

impl Vst3Plugin for Probe {
    const VST3_CLASS_ID: [u8; 16] = *b"CollavoceProbe01";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx];
}

fn stem_level(k: usize) -> f32 {
    (k + 1) as f32 / 10.0
}

/// What the host has on an input channel: noise.
fn signal(bus: usize, channel: usize, samples: usize) -> Vec<f32> {
    let seed = (bus * 31 + channel * 17 + 5) as u32;
    let noise = |n: u32| (n ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b) >> 8;
    (0..samples as u32).map(|n| noise(n.wrapping_mul(0xc2b2_ae35)) as f32 / 8_388_608.0 - 1.0).collect()
}

/// The main output that comes of channels of the main input and of the sidechain.
fn main_out(samples: usize, mains: [Option<usize>; 2], sides: [Option<usize>; 2]) -> Vec<Vec<f32>> {
    let source = |bus, channel: Option<usize>| {
        channel.map_or(vec![0.0; samples], |channel| signal(bus, channel, samples))
    };
    let mix = |(main, side)| {
        source(0, main).iter().zip(source(1, side)).map(|(main, side)| main + 0.5 * side).collect()
    };
    mains.into_iter().zip(sides).map(mix).collect()
}

pub(super) const BOTH: [Option<usize>; 2] = [Some(0), Some(1)];
pub(super) const NONE: [Option<usize>; 2] = [None; 2];

/// A host's block: each channel has a buffer of its own, unless the pointers are changed.
pub(super) struct Block {
    samples: usize,
    pub(super) buffers: [Vec<Vec<Vec<f32>>>; 2],
    pub(super) pointers: [Vec<Vec<*mut f32>>; 2],
    pub(super) buses: [Vec<AudioBusBuffers>; 2],
    pub(super) data: ProcessData,
    /// What the output buffers should hold in the end.
    pub(super) want: Vec<Vec<Vec<f32>>>,
}

impl Block {
    /// A block with some channels on each input and output bus.
    pub(super) fn with(samples: usize, channels: [&[usize]; 2]) -> Self {
        let buffer = |side, bus, channel| {
            let mut buffer = if side == IN { signal(bus, channel, samples) } else { vec![STALE; samples] };
            buffer.resize(samples + MARGIN, STALE);
            buffer
        };
        let mut buffers = [IN, OUT].map(|side| {
            let bus = |(bus, n): (usize, &usize)| (0..*n).map(|channel| buffer(side, bus, channel)).collect();
            channels[side].iter().enumerate().map(bus).collect::<Vec<Vec<_>>>()
        });
        let mut pointers = buffers.each_mut().map(|side| {
            side.iter_mut().map(|bus| bus.iter_mut().map(Vec::as_mut_ptr).collect()).collect::<Vec<Vec<_>>>()
        });
        let mut buses = pointers.each_mut().map(|side| {
            let bus = |bus: &mut Vec<*mut f32>| AudioBusBuffers {
                numChannels: bus.len() as i32,
                silenceFlags: u64::MAX,
                __field0: AudioBusBuffers__type0 { channelBuffers32: bus.as_mut_ptr() },
            };
            side.iter_mut().map(bus).collect::<Vec<_>>()
        });
        let data = ProcessData {
            processMode: 0,
            symbolicSampleSize: FLOAT32,
            numSamples: samples as i32,
            numInputs: buses[IN].len() as i32,
            numOutputs: buses[OUT].len() as i32,
            inputs: buses[IN].as_mut_ptr(),
            outputs: buses[OUT].as_mut_ptr(),
            inputParameterChanges: null_mut(),
            outputParameterChanges: null_mut(),
            inputEvents: null_mut(),
            outputEvents: null_mut(),
            processContext: null_mut(),
        };
        let want = |(bus, n): (usize, &usize)| -> Vec<Vec<f32>> {
            let level =
                |channel| if channel < 2 && (1..5).contains(&bus) { stem_level(bus - 1) } else { 0.0 };
            (0..*n).map(|channel| vec![level(channel); samples]).collect()
        };
        let mut want: Vec<_> = channels[OUT].iter().enumerate().map(want).collect();
        for (want, main) in want[0].iter_mut().zip(main_out(samples, BOTH, BOTH)) {
            *want = main;
        }
        Self { samples, buffers, pointers, buses, data, want }
    }

    /// A block as the guard declares it.
    pub(super) fn new(samples: usize) -> Self {
        Self::with(samples, [&[2, 2], &[2, 2, 2, 2, 2]])
    }

    pub(super) fn want_main(&mut self, mains: [Option<usize>; 2], sides: [Option<usize>; 2]) {
        self.want[0] = main_out(self.samples, mains, sides);
    }

    pub(super) fn want_stale(&mut self, bus: usize) {
        self.want[bus].iter_mut().for_each(|channel| channel.fill(STALE));
    }

    /// Has an input channel lie in an output channel's buffer.
    pub(super) fn put_in_place(&mut self, input: (usize, usize), output: (usize, usize)) {
        let signal = signal(input.0, input.1, self.samples);
        self.buffers[OUT][output.0][output.1][..self.samples].copy_from_slice(&signal);
        self.pointers[IN][input.0][input.1] = self.pointers[OUT][output.0][output.1];
    }

    pub(super) fn process(&mut self, guard: &Guard<Probe>) -> tresult {
        // SAFETY: whatever is not null and within the counts is valid.
        unsafe { guard.process(&raw mut self.data) }
    }

    pub(super) fn check(&self, context: &str) {
        for (bus, (got, want)) in self.buffers[OUT].iter().zip(&self.want).enumerate() {
            for (channel, (got, want)) in got.iter().zip(want).enumerate() {
                assert!(got[..self.samples] == *want, "{context}: output {bus}, channel {channel}");
            }
        }
        for (bus, channels) in self.buffers[IN].iter().enumerate() {
            for (channel, got) in channels.iter().enumerate() {
                assert!(got[..self.samples] == signal(bus, channel, self.samples), "{context}: input {bus}");
            }
        }
        let all = self.buffers.iter().flatten().flatten();
        assert!({ all }.all(|buffer| buffer[self.samples..] == [STALE; MARGIN]), "{context}: behind the end");
    }

    pub(super) fn process_and_check(&mut self, guard: &Guard<Probe>, context: &str) {
        assert_eq!(self.process(guard), kResultOk, "{context}");
        self.check(context);
        for bus in &self.buses[OUT][..self.data.numOutputs as usize] {
            assert_eq!(bus.silenceFlags, 0, "{context}");
        }
    }
}

/// A pointer that crashes whoever follows it.
pub(super) fn poison<T>() -> *mut T {
    NonNull::dangling().as_ptr()
}

pub(super) fn setup(max_block: i32) -> ProcessSetup {
    ProcessSetup {
        processMode: 0,
        symbolicSampleSize: FLOAT32,
        maxSamplesPerBlock: max_block,
        sampleRate: 48_000.0,
    }
}

pub(super) fn set_up(guard: &Guard<Probe>, mut setup: ProcessSetup) -> tresult {
    // SAFETY: it is valid.
    unsafe { guard.setupProcessing(&raw mut setup) }
}

pub(super) fn set_active(guard: &Guard<Probe>, is_active: bool) -> tresult {
    // SAFETY: nothing is asked of the caller.
    unsafe { guard.setActive(is_active.into()) }
}

pub(super) fn activate_bus(
    guard: &Guard<Probe>,
    direction: BusDirection,
    bus: i32,
    is_active: bool,
) -> tresult {
    // SAFETY: nothing is asked of the caller.
    unsafe { guard.activateBus(AUDIO, direction, bus, is_active.into()) }
}

pub(super) fn arrange(guard: &Guard<Probe>, mut ins: Vec<u64>, mut outs: Vec<u64>) -> tresult {
    // SAFETY: the arrays are as long as the counts say.
    unsafe {
        guard.setBusArrangements(ins.as_mut_ptr(), ins.len() as i32, outs.as_mut_ptr(), outs.len() as i32)
    }
}

/// A guard that is ready for blocks of up to [`BLOCK`] samples.
pub(super) fn ready() -> Guard<Probe> {
    let guard = Guard::new();
    assert_eq!(set_up(&guard, setup(BLOCK as i32)), kResultOk);
    assert_eq!(set_active(&guard, true), kResultOk);
    // SAFETY: nothing is asked of the caller.
    assert_eq!(unsafe { guard.setProcessing(1) }, kResultOk);
    guard
}

/// Events that a list has room for.
const ROOM: usize = 1024;

/// The host's list of events.
#[derive(Default)]
pub(super) struct Events(Mutex<Vec<Event>>);

impl Class for Events {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for Events {
    // SAFETY: nothing is asked of the caller.
    unsafe fn getEventCount(&self) -> int32 {
        self.0.lock().len() as int32
    }

    // SAFETY: `event` is valid for writing.
    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let Some(found) = self.0.lock().get(index as usize).copied() else { return kInvalidArgument };
        // SAFETY: as above.
        unsafe { event.write(found) };
        kResultOk
    }

    // SAFETY: `event` is valid for reading.
    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        // SAFETY: as above.
        self.0.lock().push(unsafe { *event });
        kResultOk
    }
}

impl Events {
    pub(super) fn new(notes: &[(i32, i16)]) -> ComWrapper<Self> {
        let event = |(offset, pitch): &(i32, i16)| Event {
            busIndex: 0,
            sampleOffset: *offset,
            ppqPosition: 0.0,
            flags: 0,
            r#type: EventTypes_::kNoteOnEvent as u16,
            __field0: Event__type0 {
                noteOn: NoteOnEvent {
                    channel: 0,
                    pitch: *pitch,
                    tuning: 0.0,
                    velocity: 0.5,
                    length: 0,
                    noteId: -1,
                },
            },
        };
        // A host's list takes events in `process`, where nothing may be allocated.
        let mut events = Vec::with_capacity(ROOM);
        events.extend(notes.iter().map(event));
        ComWrapper::new(Self(Mutex::new(events)))
    }

    /// Offset and pitch of the notes that begin.
    pub(super) fn begun(&self) -> Vec<(i32, i16)> {
        let events = self.0.lock();
        let is_begin = |event: &&Event| event.r#type == EventTypes_::kNoteOnEvent as u16;
        // SAFETY: the type says what it is.
        let note = |event: &Event| (event.sampleOffset, unsafe { event.__field0.noteOn.pitch });
        events.iter().filter(is_begin).map(note).collect()
    }

    /// Offset, pitch and velocity of the notes that end.
    pub(super) fn ended(&self) -> Vec<(i32, i16, f32)> {
        let events = self.0.lock();
        let is_end = |event: &&Event| event.r#type == EventTypes_::kNoteOffEvent as u16;
        let note = |event: &Event| {
            // SAFETY: the type says what it is.
            let off = unsafe { event.__field0.noteOff };
            (event.sampleOffset, off.pitch, off.velocity)
        };
        events.iter().filter(is_end).map(note).collect()
    }
}

pub(super) fn list_of(events: &ComWrapper<Events>) -> *mut IEventList {
    events.as_com_ref::<IEventList>().expect("it is one").as_ptr()
}

/// One change of one parameter.
struct Queue {
    id: ParamID,
    value: f64,
    reads: AtomicI32,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    // SAFETY: nothing is asked of the caller.
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn getPointCount(&self) -> int32 {
        1
    }

    // SAFETY: both are valid for writing.
    unsafe fn getPoint(&self, _index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { (offset.write(0), value.write(self.value)) };
        kResultOk
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn addPoint(&self, _offset: int32, _value: ParamValue, _index: *mut int32) -> tresult {
        kResultFalse
    }
}

struct Changes(ComWrapper<Queue>);

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    // SAFETY: nothing is asked of the caller.
    unsafe fn getParameterCount(&self) -> int32 {
        1
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn getParameterData(&self, _index: int32) -> *mut IParamValueQueue {
        self.0.as_com_ref::<IParamValueQueue>().expect("it is one").as_ptr()
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn addParameterData(&self, _id: *const ParamID, _index: *mut int32) -> *mut IParamValueQueue {
        null_mut()
    }
}

/// Processes a block with a change of the parameter and returns how often the change was read and the new value.
pub(super) fn change(guard: &Guard<Probe>, block: &mut Block, value: f64) -> (i32, f64) {
    // SAFETY: a description is plain numbers, for which zeros are valid.
    let mut info: ParameterInfo = unsafe { std::mem::zeroed() };
    // SAFETY: it is valid for writing.
    assert_eq!(unsafe { guard.getParameterInfo(0, &raw mut info) }, kResultOk);
    let queue = ComWrapper::new(Queue { id: info.id, value, reads: AtomicI32::new(0) });
    let changes = ComWrapper::new(Changes(queue));
    let list = changes.as_com_ref::<IParameterChanges>().expect("it is one");
    block.data.inputParameterChanges = list.as_ptr();
    assert_eq!(block.process(guard), kResultOk);
    // SAFETY: only a number is passed on.
    (changes.0.reads.load(Ordering::Relaxed), unsafe { guard.getParamNormalized(info.id) })
}

/// The text of a field of the interface.
pub(super) fn text<T: Copy + TryInto<u16>>(field: &[T]) -> String {
    let units: Vec<u16> =
        field.iter().map_while(|unit| { *unit }.try_into().ok()).take_while(|u| *u != 0).collect();
    String::from_utf16(&units).expect("it is text")
}
