//! The host's list of events, seen through a part of a block.

use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{Event, IEventList, IEventListTrait};
use nice_plug::wrapper::vst3::vst3::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use nice_plug::wrapper::vst3::vst3::{Class, ComRef};

/// A list that shows the events of `from..to` of the host's list, counted from `from`, and puts new ones there.
#[derive(Debug, Default)]
pub(super) struct Window {
    list: AtomicPtr<IEventList>,
    from: AtomicI32,
    to: AtomicI32,
}

impl Window {
    /// Shows another part. The list stays the host's; it must be taken away before the host's call ends.
    pub(super) fn show(&self, list: *mut IEventList, from: i32, to: i32) {
        self.list.store(list, Ordering::Relaxed);
        self.from.store(from, Ordering::Relaxed);
        self.to.store(to, Ordering::Relaxed);
    }

    fn list(&self) -> Option<ComRef<'_, IEventList>> {
        // SAFETY: it is null or the list of the call that is going on, see `show`.
        unsafe { ComRef::from_raw(self.list.load(Ordering::Relaxed)) }
    }

    /// The events that are seen, each with its time from `from` on.
    fn seen(&self) -> impl Iterator<Item = Event> {
        let (from, to) = (self.from.load(Ordering::Relaxed), self.to.load(Ordering::Relaxed));
        let list = self.list();
        // SAFETY: the list is valid.
        let count = list.as_ref().map_or(0, |list| unsafe { list.getEventCount() });
        (0..count).filter_map(move |index| {
            // SAFETY: an event is plain numbers and pointers, for which zeros are valid.
            let mut event: Event = unsafe { std::mem::zeroed() };
            // SAFETY: both are valid.
            let result = unsafe { list.as_ref()?.getEvent(index, &raw mut event) };
            let is_seen = result == kResultOk && (from..to).contains(&event.sampleOffset.max(0));
            event.sampleOffset = event.sampleOffset.max(0) - from;
            is_seen.then_some(event)
        })
    }
}

impl Class for Window {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for Window {
    // SAFETY: nothing is asked of the caller.
    unsafe fn getEventCount(&self) -> int32 {
        self.seen().count() as int32
    }

    // SAFETY: `event` is null or valid for writing.
    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let found = usize::try_from(index).ok().and_then(|index| self.seen().nth(index));
        match found {
            Some(found) if !event.is_null() => {
                // SAFETY: it is not null.
                unsafe { event.write(found) };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    // SAFETY: `event` is null or valid for reading.
    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        // SAFETY: as above.
        let (Some(list), Some(event)) = (self.list(), unsafe { event.as_ref() }) else { return kResultFalse };
        let mut event = *event;
        event.sampleOffset = event.sampleOffset.saturating_add(self.from.load(Ordering::Relaxed));
        // SAFETY: both are valid.
        unsafe { list.addEvent(&raw mut event) }
    }
}
