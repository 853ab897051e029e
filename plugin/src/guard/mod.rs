//! The VST3 class that hosts see: the framework's own, with every buffer checked before it gets there.
//!
//! The framework takes it for granted that a host passes exactly the buses and channels that were declared. VST3
//! allows null sample pointers on inactive buses, and real hosts also pass fewer buses, more channels and longer
//! blocks than were agreed on. The guard always hands the framework full arrays of valid pointers.

mod exchange;
pub mod factory;
#[cfg(test)]
mod tests;
mod window;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nice_plug::prelude::AudioIOLayout;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, CString, ChannelContext::*, CtrlNumber, IAttributeList,
    IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler, IComponentTrait, IEditController,
    IEditControllerTrait, IMidiMapping, IMidiMappingTrait, INoteExpressionController,
    INoteExpressionControllerTrait, IProcessContextRequirements, IProcessContextRequirementsTrait, IUnitInfo,
    IUnitInfoTrait, IoMode, MediaType, MediaTypes_, NoteExpressionTypeID, NoteExpressionTypeInfo,
    NoteExpressionValue, ParamID, ParamValue, ParameterInfo, ProcessData, ProcessSetup, ProgramListID,
    ProgramListInfo, RoutingInfo, SpeakerArr, SpeakerArrangement, String128, SymbolicSampleSizes_, TChar,
    UnitID, UnitInfo,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    FIDString, FUnknown, IBStream, IPlugView, IPluginBaseTrait, TBool, TUID, int16, int32, kInvalidArgument,
    kNotInitialized, kResultFalse, kResultOk, tresult, uint32,
};
use nice_plug::wrapper::vst3::vst3::{Class, ComWrapper};
use nice_plug::wrapper::vst3::{Vst3Plugin, Wrapper};
use parking_lot::Mutex;

use exchange::Exchange;
use window::Window;

/// Longest block that is passed on in one piece.
const MAX_BLOCK: i32 = 1 << 20;

/// Name of the main output where the plugin gives none.
const MAIN_OUTPUT: &str = "Main";

// The constants of the interface have the C compiler's type for enumerations, which differs between platforms.
#[allow(clippy::unnecessary_cast)]
const AUDIO: MediaType = MediaTypes_::kAudio as MediaType;
#[allow(clippy::unnecessary_cast)]
const INPUT: BusDirection = BusDirections_::kInput as BusDirection;
#[allow(clippy::unnecessary_cast)]
const OUTPUT: BusDirection = BusDirections_::kOutput as BusDirection;
#[allow(clippy::unnecessary_cast)]
const FLOAT32: int32 = SymbolicSampleSizes_::kSample32 as int32;

/// A plugin `P` as a VST3 component and edit controller.
pub struct Guard<P: Vst3Plugin> {
    inner: Wrapper<P>,
    /// The layout that the framework works in: always the plugin's first.
    layout: AudioIOLayout,
    /// Channels of the main input as the host sees them: those of the layout, or fewer.
    main_inputs: AtomicU32,
    /// A bit for each active input and output bus.
    active_buses: [AtomicU32; 2],
    is_active: AtomicBool,
    /// Buffers of our own; none before `setupProcessing`.
    exchange: Mutex<Option<Exchange>>,
    /// The host's event lists, seen through a part of an overlong block.
    events: [ComWrapper<Window>; 2],
}

impl<P: Vst3Plugin> std::fmt::Debug for Guard<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("plugin", &P::NAME).finish_non_exhaustive()
    }
}

impl<P: Vst3Plugin> Default for Guard<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Vst3Plugin> Guard<P> {
    /// Makes an instance.
    pub fn new() -> Self {
        let layout = P::AUDIO_IO_LAYOUTS.first().copied().unwrap_or_default();
        Self {
            inner: Wrapper::new(),
            main_inputs: AtomicU32::new(layout.main_input_channels.map_or(0, |n| n.get())),
            layout,
            active_buses: [AtomicU32::new(u32::MAX), AtomicU32::new(u32::MAX)],
            is_active: AtomicBool::new(false),
            exchange: Mutex::new(None),
            events: [ComWrapper::new(Window::default()), ComWrapper::new(Window::default())],
        }
    }

    /// Channels of the buses in a direction, as the host sees them.
    fn channels(&self, direction: BusDirection) -> impl Iterator<Item = u32> {
        let layout = self.layout;
        let (main, others) = if direction == INPUT {
            let channels = self.main_inputs.load(Ordering::Relaxed);
            (layout.main_input_channels.map(|_| channels), layout.aux_input_ports)
        } else {
            (layout.main_output_channels.map(|n| n.get()), layout.aux_output_ports)
        };
        main.into_iter().chain(others.iter().map(|n| n.get()))
    }

    /// Whether the host has a bus switched on.
    pub fn is_bus_active(&self, direction: BusDirection, index: usize) -> bool {
        let side = usize::from(direction != INPUT);
        index >= 32 || self.active_buses[side].load(Ordering::Relaxed) & (1 << index) != 0
    }

    /// Whether the layout of the framework serves a host that wants these channels.
    ///
    /// The framework cannot be switched to another layout once there are other buses beside the main ones, so it
    /// stays in its first, and a narrower main input is widened here.
    fn serves(&self, inputs: &[SpeakerArrangement], outputs: &[SpeakerArrangement]) -> Option<u32> {
        let fits = |wanted: &[SpeakerArrangement], channels: &mut dyn Iterator<Item = u32>| {
            wanted.iter().map(|w| Some(*w)).eq(channels.map(arrangement))
        };
        P::AUDIO_IO_LAYOUTS.iter().find_map(|layout| {
            let main_in = layout.main_input_channels.map_or(0, |n| n.get());
            let is_narrower = layout.main_output_channels == self.layout.main_output_channels
                && layout.main_input_channels.is_some() == self.layout.main_input_channels.is_some()
                && main_in <= self.layout.main_input_channels.map_or(0, |n| n.get())
                && layout.aux_input_ports == self.layout.aux_input_ports
                && layout.aux_output_ports == self.layout.aux_output_ports;
            let ins = layout.main_input_channels.iter().chain(layout.aux_input_ports).map(|n| n.get());
            let outs = layout.main_output_channels.iter().chain(layout.aux_output_ports).map(|n| n.get());
            let is_it = is_narrower && fits(inputs, &mut { ins }) && fits(outputs, &mut { outs });
            is_it.then_some(main_in)
        })
    }
}

/// The speaker arrangement that belongs to a number of channels.
fn arrangement(channels: u32) -> Option<SpeakerArrangement> {
    match channels {
        0 => Some(SpeakerArr::kEmpty),
        1 => Some(SpeakerArr::kMono),
        2 => Some(SpeakerArr::kStereo),
        _ => None,
    }
}

/// Writes a name into a field of the interface, cut where it is too long.
fn write_name(field: &mut String128, name: &str) {
    field.fill(0);
    let end = field.len() - 1;
    for (to, from) in field[..end].iter_mut().zip(name.encode_utf16()) {
        *to = from;
    }
}

impl<P: Vst3Plugin> Class for Guard<P> {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IMidiMapping,
        INoteExpressionController,
        IProcessContextRequirements,
        IUnitInfo,
        IInfoListener,
    );
}

/// Methods that the framework answers.
macro_rules! forward {
    ($interface:ident: $(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            // SAFETY: the caller keeps the promises of the interface, which are the framework's own.
            unsafe fn $name(&self, $($argument: $type),*) -> $result {
                // SAFETY: the arguments are passed on as they came.
                unsafe { <Wrapper<P> as $interface>::$name(&self.inner, $($argument),*) }
            }
        )*
    };
}

impl<P: Vst3Plugin> IPluginBaseTrait for Guard<P> {
    forward! { IPluginBaseTrait:
        fn initialize(context: *mut FUnknown) -> tresult;
        fn terminate() -> tresult;
    }
}

impl<P: Vst3Plugin> IComponentTrait for Guard<P> {
    forward! { IComponentTrait:
        fn getControllerClassId(class: *mut TUID) -> tresult;
        fn setIoMode(mode: IoMode) -> tresult;
        fn getBusCount(media: MediaType, direction: BusDirection) -> int32;
        fn getRoutingInfo(input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult;
        fn setState(state: *mut IBStream) -> tresult;
        fn getState(state: *mut IBStream) -> tresult;
    }

    // SAFETY: `info` is null or valid for writing.
    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        info: *mut BusInfo,
    ) -> tresult {
        if info.is_null() || index < 0 {
            return kInvalidArgument;
        }
        // SAFETY: as above.
        let result = unsafe { self.inner.getBusInfo(media, direction, index, info) };
        if result != kResultOk || media != AUDIO || index != 0 {
            return result;
        }
        // SAFETY: it is not null, and the framework has just written it.
        let info = unsafe { &mut *info };
        if direction == OUTPUT && self.layout.main_output_channels.is_some() {
            write_name(&mut info.name, self.layout.names.main_output.unwrap_or(MAIN_OUTPUT));
        } else if direction == INPUT && self.layout.main_input_channels.is_some() {
            info.channelCount = self.main_inputs.load(Ordering::Relaxed) as int32;
        }
        result
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        if media != AUDIO {
            // SAFETY: only numbers are passed on.
            return unsafe { self.inner.activateBus(media, direction, index, state) };
        }
        let is_one = direction == INPUT || direction == OUTPUT;
        let index = usize::try_from(index).ok().filter(|i| *i < 32 && *i < self.channels(direction).count());
        let Some(index) = index.filter(|_| is_one) else { return kInvalidArgument };
        let buses = &self.active_buses[usize::from(direction != INPUT)];
        if state == 0 {
            buses.fetch_and(!(1 << index), Ordering::Relaxed);
        } else {
            buses.fetch_or(1 << index, Ordering::Relaxed);
        }
        kResultOk
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn setActive(&self, state: TBool) -> tresult {
        if state != 0 && self.exchange.lock().is_none() {
            return kNotInitialized;
        }
        // SAFETY: only a number is passed on.
        let result = unsafe { self.inner.setActive(state) };
        self.is_active.store(state != 0 && result == kResultOk, Ordering::Release);
        result
    }
}

impl<P: Vst3Plugin> IEditControllerTrait for Guard<P> {
    forward! { IEditControllerTrait:
        fn setComponentState(state: *mut IBStream) -> tresult;
        fn setState(state: *mut IBStream) -> tresult;
        fn getState(state: *mut IBStream) -> tresult;
        fn getParameterCount() -> int32;
        fn getParamStringByValue(id: ParamID, value: ParamValue, string: *mut String128) -> tresult;
        fn getParamValueByString(id: ParamID, string: *mut TChar, value: *mut ParamValue) -> tresult;
        fn normalizedParamToPlain(id: ParamID, value: ParamValue) -> ParamValue;
        fn plainParamToNormalized(id: ParamID, value: ParamValue) -> ParamValue;
        fn getParamNormalized(id: ParamID) -> ParamValue;
        fn setParamNormalized(id: ParamID, value: ParamValue) -> tresult;
        fn setComponentHandler(handler: *mut IComponentHandler) -> tresult;
        fn createView(name: FIDString) -> *mut IPlugView;
    }

    // SAFETY: `info` is null or valid for writing.
    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        // SAFETY: nothing is passed on.
        if index < 0 || index >= unsafe { self.inner.getParameterCount() } {
            return kInvalidArgument;
        }
        // SAFETY: as above; the framework looks for null.
        unsafe { self.inner.getParameterInfo(index, info) }
    }
}

impl<P: Vst3Plugin> IAudioProcessorTrait for Guard<P> {
    forward! { IAudioProcessorTrait:
        fn canProcessSampleSize(size: int32) -> tresult;
        fn getLatencySamples() -> uint32;
        fn getTailSamples() -> uint32;
    }

    // SAFETY: the arrays are null or hold as many arrangements as the counts say.
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        num_ins: int32,
        outputs: *mut SpeakerArrangement,
        num_outs: int32,
    ) -> tresult {
        if self.is_active.load(Ordering::Acquire) {
            return kResultFalse;
        }
        let (Ok(num_ins), Ok(num_outs)) = (usize::try_from(num_ins), usize::try_from(num_outs)) else {
            return kInvalidArgument;
        };
        if (inputs.is_null() && num_ins > 0) || (outputs.is_null() && num_outs > 0) {
            return kInvalidArgument;
        }
        // SAFETY: see above; an empty array is not looked at.
        let list = |at: *mut SpeakerArrangement, count| match count {
            0 => &[][..],
            // SAFETY: as above.
            count => unsafe { std::slice::from_raw_parts(at.cast_const(), count) },
        };
        match self.serves(list(inputs, num_ins), list(outputs, num_outs)) {
            Some(main_inputs) => {
                self.main_inputs.store(main_inputs, Ordering::Relaxed);
                kResultOk
            }
            None => kResultFalse,
        }
    }

    // SAFETY: `to` is null or valid for writing.
    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        to: *mut SpeakerArrangement,
    ) -> tresult {
        let is_one = direction == INPUT || direction == OUTPUT;
        let channels = usize::try_from(index).ok().and_then(|index| self.channels(direction).nth(index));
        let (Some(channels), true, false) = (channels, is_one, to.is_null()) else { return kInvalidArgument };
        match arrangement(channels) {
            Some(arrangement) => {
                // SAFETY: it is not null.
                unsafe { to.write(arrangement) };
                kResultOk
            }
            // SAFETY: as above.
            None => unsafe { self.inner.getBusArrangement(direction, index, to) },
        }
    }

    // SAFETY: `setup` is null or valid for reading.
    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        // SAFETY: as above.
        let Some(setup) = (unsafe { setup.as_ref() }) else { return kInvalidArgument };
        if setup.symbolicSampleSize != FLOAT32 || !(setup.sampleRate.is_finite() && setup.sampleRate > 0.0) {
            return kInvalidArgument;
        }
        let mut setup =
            ProcessSetup { maxSamplesPerBlock: setup.maxSamplesPerBlock.clamp(1, MAX_BLOCK), ..*setup };
        // The plugin learns of it only when it is activated, which a host may forget.
        let was_active = self.is_active.load(Ordering::Acquire);
        if was_active {
            // SAFETY: only a number is passed on.
            unsafe { self.setActive(0) };
        }
        *self.exchange.lock() = Some(Exchange::new(&self.layout, setup.maxSamplesPerBlock as usize));
        // The framework notes the process mode only after it has used the old one, hence twice.
        for _ in 0..2 {
            // SAFETY: it lives in this function.
            let result = unsafe { self.inner.setupProcessing(&raw mut setup) };
            if result != kResultOk {
                return result;
            }
        }
        // SAFETY: only a number is passed on.
        if was_active { unsafe { self.setActive(1) } } else { kResultOk }
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        if state != 0 && !self.is_active.load(Ordering::Acquire) {
            return kNotInitialized;
        }
        // SAFETY: only a number is passed on.
        unsafe { self.inner.setProcessing(state) }
    }

    // SAFETY: `data` is null or valid, and so is everything in it that is not null.
    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        // SAFETY: as above.
        let Some(data) = (unsafe { data.as_ref() }) else { return kInvalidArgument };
        if data.symbolicSampleSize != FLOAT32 || data.numSamples < 0 {
            return kInvalidArgument;
        }
        if !self.is_active.load(Ordering::Acquire) {
            return kNotInitialized;
        }
        // Locked only while the host prepares another run, when it must not call this.
        let Some(mut exchange) = self.exchange.try_lock() else { return kResultFalse };
        let Some(exchange) = exchange.as_mut() else { return kNotInitialized };
        // SAFETY: see above.
        unsafe { exchange.process(&self.inner, data, &self.events, self.is_bus_active(OUTPUT, 0)) }
    }
}

impl<P: Vst3Plugin> IMidiMappingTrait for Guard<P> {
    forward! { IMidiMappingTrait:
        fn getMidiControllerAssignment(bus: int32, channel: int16, cc: CtrlNumber, id: *mut ParamID) -> tresult;
    }
}

impl<P: Vst3Plugin> INoteExpressionControllerTrait for Guard<P> {
    forward! { INoteExpressionControllerTrait:
        fn getNoteExpressionCount(bus: int32, channel: int16) -> int32;
        fn getNoteExpressionInfo(
            bus: int32, channel: int16, index: int32, info: *mut NoteExpressionTypeInfo
        ) -> tresult;
        fn getNoteExpressionStringByValue(
            bus: int32, channel: int16, id: NoteExpressionTypeID, value: NoteExpressionValue,
            string: *mut String128
        ) -> tresult;
        fn getNoteExpressionValueByString(
            bus: int32, channel: int16, id: NoteExpressionTypeID, string: *const TChar,
            value: *mut NoteExpressionValue
        ) -> tresult;
    }
}

impl<P: Vst3Plugin> IProcessContextRequirementsTrait for Guard<P> {
    forward! { IProcessContextRequirementsTrait:
        fn getProcessContextRequirements() -> uint32;
    }
}

impl<P: Vst3Plugin> IUnitInfoTrait for Guard<P> {
    forward! { IUnitInfoTrait:
        fn getUnitCount() -> int32;
        fn getUnitInfo(index: int32, info: *mut UnitInfo) -> tresult;
        fn getProgramListCount() -> int32;
        fn getProgramListInfo(index: int32, info: *mut ProgramListInfo) -> tresult;
        fn getProgramName(list: ProgramListID, index: int32, name: *mut String128) -> tresult;
        fn getProgramInfo(
            list: ProgramListID, index: int32, attribute: CString, value: *mut String128
        ) -> tresult;
        fn hasProgramPitchNames(list: ProgramListID, index: int32) -> tresult;
        fn getProgramPitchName(
            list: ProgramListID, index: int32, pitch: int16, name: *mut String128
        ) -> tresult;
        fn getSelectedUnit() -> UnitID;
        fn selectUnit(unit: UnitID) -> tresult;
        fn getUnitByBus(
            media: MediaType, direction: BusDirection, bus: int32, channel: int32, unit: *mut UnitID
        ) -> tresult;
        fn setUnitProgramData(list: int32, index: int32, data: *mut IBStream) -> tresult;
    }
}

impl<P: Vst3Plugin> IInfoListenerTrait for Guard<P> {
    forward! { IInfoListenerTrait:
        fn setChannelContextInfos(list: *mut IAttributeList) -> tresult;
    }
}
