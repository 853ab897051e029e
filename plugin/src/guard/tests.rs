//! The guard against hosts that break promises.

mod host;

use std::ptr::{null, null_mut};

use nice_plug::prelude::Vst3Plugin;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    IEventListTrait, ProcessContext, ProcessContext_::StatesAndFlags_,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    IPluginFactory, IPluginFactory2Trait, IPluginFactory3, IPluginFactory3Trait, IPluginFactoryTrait,
    kNoInterface,
};
use nice_plug::wrapper::vst3::vst3::{ComPtr, Interface};

use super::*;
use host::*;

/// What a host does to a block, and to a bus of a block.
type Change = fn(&mut Block);
type Removal = fn(&mut Block, usize, usize);

#[test]
fn absent_aux_buses_change_nothing_elsewhere() {
    let guard = ready();
    let ways: [(&str, Removal); 4] = [
        ("null channels", |block, side, bus| block.pointers[side][bus].fill(null_mut())),
        ("no array", |block, side, bus| block.buses[side][bus].__field0.channelBuffers32 = null_mut()),
        ("no channels", |block, side, bus| block.buses[side][bus].numChannels = 0),
        ("negative channels", |block, side, bus| block.buses[side][bus].numChannels = i32::MIN),
    ];
    for (way, remove) in ways {
        for absent in 0..32 {
            let mut block = Block::new(BLOCK);
            for bus in 0..5 {
                let (side, direction, index) = if bus == 0 { (IN, INPUT, 1) } else { (OUT, OUTPUT, bus) };
                let is_active = absent & (1 << bus) == 0;
                assert_eq!(activate_bus(&guard, direction, index as i32, is_active), kResultOk);
                assert_eq!(guard.is_bus_active(direction, index), is_active);
                if !is_active {
                    remove(&mut block, side, index);
                    if side == IN { block.want_main(BOTH, NONE) } else { block.want_stale(index) }
                }
            }
            block.process_and_check(&guard, &format!("{way}, {absent:05b}"));
        }
    }
}

#[test]
fn nothing_beyond_the_hosts_counts_is_touched() {
    let guard = ready();
    for (ins, outs) in [-1, 0, 1, 2].into_iter().flat_map(|ins| (1..6).map(move |outs| (ins, outs))) {
        let mut block = Block::new(BLOCK);
        (block.data.numInputs, block.data.numOutputs) = (ins, outs);
        for (side, count) in [(IN, ins.max(0)), (OUT, outs)] {
            for bus in &mut block.buses[side][count as usize..] {
                bus.__field0.channelBuffers32 = poison();
            }
        }
        block.want_main(if ins > 0 { BOTH } else { NONE }, if ins > 1 { BOTH } else { NONE });
        (outs as usize..5).for_each(|bus| block.want_stale(bus));
        block.process_and_check(&guard, &format!("{ins} inputs, {outs} outputs"));
    }
    let mut block = Block::new(BLOCK);
    for (side, bus) in [(IN, 0), (IN, 1), (OUT, 0), (OUT, 1), (OUT, 2), (OUT, 3), (OUT, 4)] {
        block.buses[side][bus].numChannels = 1;
        block.pointers[side][bus][1] = poison();
    }
    block.want.iter_mut().for_each(|bus| bus[1].fill(STALE));
    block.process_and_check(&guard, "one channel on each bus");
}

#[test]
fn surplus_channels_and_buses_are_silenced() {
    let mut block = Block::with(2 * BLOCK + 5, [&[4, 3, 2], &[5, 2, 4, 2, 3, 2, 1]]);
    block.process_and_check(&ready(), "surplus");
    let mut block = Block::with(2 * BLOCK + 5, [&[2, 2], &[5, 2, 2, 2, 2, 2, 2]]);
    block.pointers[OUT][0][3] = null_mut();
    block.pointers[OUT][5][0] = null_mut();
    block.buses[OUT][6].__field0.channelBuffers32 = null_mut();
    block.pointers[OUT][0][4] = block.pointers[OUT][0][0];
    block.pointers[OUT][5][1] = block.pointers[OUT][2][1];
    block.want[0][3].fill(STALE);
    block.want[0][4].fill(STALE);
    block.want_stale(5);
    block.want_stale(6);
    block.process_and_check(&ready(), "surplus that is absent or lies in what is declared");
}

#[test]
fn absent_main_channels_change_nothing_elsewhere() {
    let cases: [(&str, Change, [Option<usize>; 2], bool); 8] = [
        ("no inputs", |block| block.data.inputs = null_mut(), NONE, false),
        ("no left", |block| block.pointers[IN][0][0] = null_mut(), [None, Some(1)], true),
        ("no right", |block| block.pointers[IN][0][1] = null_mut(), [Some(0); 2], true),
        ("no channels in", |block| block.buses[IN][0].numChannels = 0, NONE, true),
        ("no array in", |block| block.buses[IN][0].__field0.channelBuffers32 = null_mut(), NONE, true),
        ("no left out", |block| block.pointers[OUT][0][0] = null_mut(), BOTH, true),
        ("no array out", |block| block.buses[OUT][0].__field0.channelBuffers32 = null_mut(), BOTH, true),
        ("no channels out", |block| block.buses[OUT][0].numChannels = 0, BOTH, true),
    ];
    let guard = ready();
    for (name, remove, mains, has_side) in cases {
        let mut block = Block::new(BLOCK);
        block.want_main(mains, if has_side { BOTH } else { NONE });
        match name {
            "no left out" => block.want[0][0].fill(STALE),
            "no array out" | "no channels out" => block.want_stale(0),
            _ => {}
        }
        assert_eq!(activate_bus(&guard, OUTPUT, 0, name != "no channels out"), kResultOk);
        remove(&mut block);
        block.process_and_check(&guard, name);
    }
}

#[test]
fn a_block_without_samples_or_outputs_changes_parameters_only() {
    let cases: [(&str, Change); 7] = [
        ("no samples", |block| block.data.numSamples = 0),
        ("nothing at all", |block| {
            let data = &mut block.data;
            (data.numSamples, data.numInputs, data.numOutputs) = (0, 0, 0);
            (data.inputs, data.outputs) = (null_mut(), null_mut());
        }),
        ("no outputs", |block| block.data.numOutputs = 0),
        ("fewer than no outputs", |block| block.data.numOutputs = i32::MIN),
        ("null outputs", |block| block.data.outputs = null_mut()),
        ("no main channels", |block| block.buses[OUT][0].numChannels = 0),
        ("fewer than no main channels", |block| block.buses[OUT][0].numChannels = -3),
    ];
    let guard = ready();
    for (n, (name, empty)) in cases.into_iter().enumerate() {
        let mut block = Block::new(2 * BLOCK);
        empty(&mut block);
        (0..5).for_each(|bus| block.want_stale(bus));
        let value = f64::from(n as f32 / 8.0 + 0.125);
        assert_eq!(change(&guard, &mut block, value), (1, value), "{name}");
        block.check(name);
    }
}

#[test]
fn a_block_of_any_length_is_played_like_the_announced_pieces() {
    let guard = ready();
    for (n, samples) in [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 17].into_iter().enumerate() {
        let last = samples as i32 - 1;
        let offsets = [0, 1, 62, 63, 63, 64, 127, 130, 191, 192, 208, 900];
        let notes: Vec<_> = offsets.into_iter().zip(40..).filter(|n| n.0 <= last || n.0 == 900).collect();
        let (input, output) = (Events::new(&notes), Events::new(&[]));
        // SAFETY: a context is plain numbers, for which zeros are valid.
        let mut context: ProcessContext = unsafe { std::mem::zeroed() };
        let flags = [StatesAndFlags_::kTempoValid, StatesAndFlags_::kProjectTimeMusicValid];
        // The type of the flags differs between platforms.
        #[allow(clippy::unnecessary_cast)]
        let state = flags.into_iter().fold(0, |state, flag| state | flag as u32);
        context.state = state;
        (context.sampleRate, context.tempo) = (48_000.0, 90.0);
        (context.projectTimeSamples, context.projectTimeMusic) = (1000, 7.0);
        let mut block = Block::new(samples);
        block.put_in_place((0, 0), (0, 0));
        (block.data.inputEvents, block.data.outputEvents) = (list_of(&input), list_of(&output));
        block.data.processContext = &raw mut context;
        let value = f64::from(n as f32 / 8.0 + 0.125);
        assert_eq!(change(&guard, &mut block, value), (1, value), "{samples} samples");
        block.check(&format!("{samples} samples"));
        let begun: Vec<_> = notes.iter().map(|(offset, pitch)| ((*offset).min(last), *pitch)).collect();
        assert_eq!(output.begun(), begun, "{samples} samples");
        let starts = (0..samples as i32).step_by(BLOCK);
        let beats = |start: i32| (7.0 + f64::from(start) / 48_000.0 * 90.0 / 60.0) as f32;
        let told = starts.flat_map(|s| [(s, 0, (1000 + s) as f32), (s, 1, beats(s))]);
        assert_eq!(output.ended(), told.collect::<Vec<_>>(), "{samples} samples");
        assert_eq!(context.projectTimeSamples, 1000);
    }
}

#[test]
fn a_window_shows_and_takes_only_what_lies_in_it() {
    let list = Events::new(&[(-9, 1), (0, 2), (63, 3), (64, 4), (70, 5), (128, 6)]);
    let window = ComWrapper::new(Window::default());
    for (from, to, want) in [
        (0, 64, vec![(0, 1), (0, 2), (63, 3)]),
        (64, 128, vec![(0, 4), (6, 5)]),
        (128, i32::MAX, vec![(0, 6)]),
    ] {
        window.show(list_of(&list), from, to);
        let seen = Events::new(&[]);
        // SAFETY: the lists are valid, and so is what is read and written.
        unsafe {
            assert_eq!(window.getEventCount(), want.len() as i32);
            for index in 0..want.len() as i32 {
                let mut event = std::mem::zeroed();
                assert_eq!(window.getEvent(index, &raw mut event), kResultOk);
                seen.addEvent(&raw mut event);
            }
            assert_eq!(window.getEvent(0, null_mut()), kInvalidArgument);
            for index in [-1, want.len() as i32] {
                let mut event = std::mem::zeroed();
                assert_eq!(window.getEvent(index, &raw mut event), kInvalidArgument);
            }
            assert_eq!(window.addEvent(null_mut()), kResultFalse);
        }
        assert_eq!(seen.begun(), want);
    }
    window.show(null_mut(), 0, 0);
    // SAFETY: an event of zeros is valid.
    unsafe {
        assert_eq!(window.getEventCount(), 0);
        let mut event = std::mem::zeroed();
        assert_eq!(window.addEvent(&raw mut event), kResultFalse);
    }
}

#[test]
fn buffers_may_lie_in_each_other() {
    let cases: [(&str, Change); 8] = [
        ("in place", |block| (0..2).for_each(|c| block.put_in_place((0, c), (0, c)))),
        ("swapped", |block| (0..2).for_each(|c| block.put_in_place((0, c), (0, 1 - c)))),
        ("left in right", |block| block.put_in_place((0, 0), (0, 1))),
        ("right in left", |block| block.put_in_place((0, 1), (0, 0))),
        ("sidechain in main", |block| (0..2).for_each(|c| block.put_in_place((1, c), (0, c)))),
        ("inputs in stems", |block| {
            (0..2).for_each(|c| block.put_in_place((0, c), (1, c)));
            (0..2).for_each(|c| block.put_in_place((1, c), (4, c)));
        }),
        ("main output twice", |block| {
            block.pointers[OUT][0][1] = block.pointers[OUT][0][0];
            block.want[0][1].fill(STALE);
        }),
        ("everything in the main output", |block| {
            block.put_in_place((0, 0), (0, 0));
            block.pointers[IN][0][1] = block.pointers[OUT][0][0];
            block.pointers[OUT]
                .iter_mut()
                .skip(1)
                .for_each(|bus| bus.fill(block.buffers[OUT][0][0].as_mut_ptr()));
            block.want_main([Some(0); 2], BOTH);
            (1..5).for_each(|bus| block.want_stale(bus));
        }),
    ];
    let guard = ready();
    for (name, alias) in cases {
        let mut block = Block::new(3 * BLOCK + 17);
        alias(&mut block);
        // What was put into a stem's buffer is overwritten.
        block.process_and_check(&guard, name);
    }
}

#[test]
fn a_mono_voice_is_heard_on_both_sides() {
    let (mono, stereo) = (SpeakerArr::kMono, SpeakerArr::kStereo);
    let guard = Guard::new();
    assert_eq!(arrange(&guard, vec![mono, stereo], vec![stereo; 5]), kResultOk);
    assert_eq!(set_up(&guard, setup(BLOCK as i32)), kResultOk);
    assert_eq!(set_active(&guard, true), kResultOk);
    for place in [None, Some(0), Some(1)] {
        let mut block = Block::with(2 * BLOCK + 5, [&[1, 2], &[2, 2, 2, 2, 2]]);
        block.want_main([Some(0); 2], BOTH);
        if let Some(channel) = place {
            block.put_in_place((0, 0), (0, channel));
        }
        block.process_and_check(&guard, &format!("in place {place:?}"));
    }
}

#[test]
fn only_the_declared_arrangements_are_taken_and_none_while_active() {
    let guard = Guard::new();
    let (none, mono, stereo, wide) =
        (SpeakerArr::kEmpty, SpeakerArr::kMono, SpeakerArr::kStereo, SpeakerArr::k51);
    let main = || {
        let mut main = u64::MAX;
        // SAFETY: it is valid for writing.
        assert_eq!(unsafe { guard.getBusArrangement(INPUT, 0, &raw mut main) }, kResultOk);
        main
    };
    let cases = [
        (vec![mono, stereo], vec![stereo; 5], kResultOk),
        (vec![mono, mono], vec![stereo; 5], kResultFalse),
        (vec![stereo, stereo], vec![stereo; 5], kResultOk),
        (vec![mono, stereo], vec![mono, stereo, stereo, stereo, stereo], kResultFalse),
        (vec![wide, stereo], vec![stereo; 5], kResultFalse),
        (vec![none, stereo], vec![stereo; 5], kResultFalse),
        (vec![stereo, none], vec![stereo; 5], kResultFalse),
        (vec![stereo], vec![stereo; 5], kResultFalse),
        (vec![stereo; 3], vec![stereo; 5], kResultFalse),
        (vec![stereo; 2], vec![stereo; 4], kResultFalse),
        (vec![stereo; 2], vec![stereo, stereo, mono, stereo, stereo], kResultFalse),
        (vec![], vec![], kResultFalse),
    ];
    for (ins, outs, want) in cases {
        let before = main();
        let context = format!("{ins:?} {outs:?}");
        let now = if want == kResultOk { ins[0] } else { before };
        assert_eq!(arrange(&guard, ins, outs), want, "{context}");
        assert_eq!(main(), now, "{context}");
    }
    let mut two = [stereo; 2];
    // SAFETY: the arrays are null or as long as the counts say.
    unsafe {
        assert_eq!(guard.setBusArrangements(null_mut(), 2, null_mut(), 5), kInvalidArgument);
        assert_eq!(guard.setBusArrangements(two.as_mut_ptr(), 2, null_mut(), 5), kInvalidArgument);
        assert_eq!(guard.setBusArrangements(null_mut(), 0, null_mut(), 0), kResultFalse);
        assert_eq!(guard.setBusArrangements(two.as_mut_ptr(), -1, two.as_mut_ptr(), 2), kInvalidArgument);
        assert_eq!(guard.getBusArrangement(INPUT, 0, null_mut()), kInvalidArgument);
        for (direction, index) in [(INPUT, 2), (INPUT, -1), (OUTPUT, 5), (2, 0), (-1, 0)] {
            assert_eq!(guard.getBusArrangement(direction, index, two.as_mut_ptr()), kInvalidArgument);
        }
    }
    let guard = ready();
    assert_eq!(arrange(&guard, vec![stereo; 2], vec![stereo; 5]), kResultFalse);
    assert_eq!(set_active(&guard, false), kResultOk);
    assert_eq!(arrange(&guard, vec![stereo; 2], vec![stereo; 5]), kResultOk);
}

#[test]
fn calls_out_of_order_or_out_of_range_are_refused() {
    let guard = Guard::<Probe>::new();
    let mut block = Block::new(BLOCK);
    (0..5).for_each(|bus| block.want_stale(bus));
    let double = SymbolicSampleSizes_::kSample64 as i32;
    assert_eq!(block.process(&guard), kNotInitialized);
    assert_eq!(set_active(&guard, true), kNotInitialized);
    // SAFETY: null is what is tried.
    assert_eq!(unsafe { guard.setupProcessing(null_mut()) }, kInvalidArgument);
    assert_eq!(set_up(&guard, ProcessSetup { symbolicSampleSize: double, ..setup(64) }), kInvalidArgument);
    for rate in [0.0, -48_000.0, f64::NAN, f64::INFINITY] {
        assert_eq!(set_up(&guard, ProcessSetup { sampleRate: rate, ..setup(64) }), kInvalidArgument);
    }
    assert_eq!(set_active(&guard, true), kNotInitialized);
    assert_eq!(set_up(&guard, setup(BLOCK as i32)), kResultOk);
    assert_eq!(block.process(&guard), kNotInitialized);
    // SAFETY: nothing is asked of the caller.
    unsafe {
        assert_eq!(guard.setProcessing(1), kNotInitialized);
        assert_eq!(guard.canProcessSampleSize(FLOAT32), kResultOk);
        assert_eq!(guard.canProcessSampleSize(double), kResultFalse);
    }
    assert_eq!(set_active(&guard, true), kResultOk);
    // SAFETY: null is what is tried.
    assert_eq!(unsafe { guard.process(null_mut()) }, kInvalidArgument);
    for (size, samples) in [(double, BLOCK as i32), (FLOAT32, -1), (FLOAT32, i32::MIN)] {
        (block.data.symbolicSampleSize, block.data.numSamples) = (size, samples);
        assert_eq!(block.process(&guard), kInvalidArgument);
    }
    assert_eq!(set_active(&guard, false), kResultOk);
    (block.data.symbolicSampleSize, block.data.numSamples) = (FLOAT32, BLOCK as i32);
    assert_eq!(block.process(&guard), kNotInitialized);
    block.check("nothing was processed");
    assert_eq!(set_active(&guard, true), kResultOk);
    assert_eq!(set_up(&guard, setup(4 * BLOCK as i32)), kResultOk);
    Block::new(4 * BLOCK).process_and_check(&guard, "another setup while active");
    assert_eq!(set_active(&guard, false), kResultOk);
    for max_block in [0, -1, i32::MIN, i32::MAX] {
        assert_eq!(set_up(&guard, setup(max_block)), kResultOk);
        assert_eq!(set_active(&guard, true), kResultOk);
        Block::new(BLOCK).process_and_check(&guard, &format!("blocks of up to {max_block}"));
        assert_eq!(set_active(&guard, false), kResultOk);
    }
}

#[test]
fn the_host_is_told_of_each_bus_and_of_no_other() {
    let guard = Guard::<Probe>::new();
    let (mono, stereo) = (SpeakerArr::kMono, SpeakerArr::kStereo);
    let buses =
        [(INPUT, vec!["Input", "Sidechain"]), (OUTPUT, vec!["Main", "Guitar", "Drums", "Strings", "Bass"])];
    // SAFETY: a description is plain numbers, for which zeros are valid.
    let mut info: BusInfo = unsafe { std::mem::zeroed() };
    for (main, channels) in [(stereo, 2), (mono, 1)] {
        assert_eq!(arrange(&guard, vec![main, stereo], vec![stereo; 5]), kResultOk);
        for (direction, names) in &buses {
            // SAFETY: nothing is asked of the caller.
            assert_eq!(unsafe { guard.getBusCount(AUDIO, *direction) }, names.len() as i32);
            for (index, name) in names.iter().enumerate() {
                // SAFETY: it is valid for writing.
                let result = unsafe { guard.getBusInfo(AUDIO, *direction, index as i32, &raw mut info) };
                assert_eq!((result, text(&info.name).as_str()), (kResultOk, *name));
                let want = if *direction == INPUT && index == 0 { channels } else { 2 };
                assert_eq!(info.channelCount, want, "{name}");
            }
        }
    }
    // SAFETY: it is null, which is tried, or valid for writing.
    unsafe {
        assert_eq!(guard.getBusInfo(AUDIO, INPUT, 0, null_mut()), kInvalidArgument);
        for (direction, index) in [(INPUT, -1), (INPUT, 2), (OUTPUT, 5), (OUTPUT, i32::MIN), (7, 0)] {
            assert_eq!(guard.getBusInfo(AUDIO, direction, index, &raw mut info), kInvalidArgument);
            for state in [false, true] {
                assert_eq!(activate_bus(&guard, direction, index, state), kInvalidArgument);
            }
        }
        let event = MediaTypes_::kEvent as MediaType;
        for (media, direction, index, want) in [
            (event, INPUT, 0, kResultOk),
            (event, OUTPUT, 0, kResultOk),
            (event, INPUT, 1, kInvalidArgument),
            (9, INPUT, 0, kInvalidArgument),
        ] {
            assert_eq!(guard.getBusInfo(media, direction, index, &raw mut info), want);
            assert_eq!(guard.activateBus(media, direction, index, 1), want);
        }
        assert_eq!(guard.getParameterInfo(-1, null_mut()), kInvalidArgument);
        assert_eq!(guard.getParameterInfo(1, null_mut()), kInvalidArgument);
    }
    assert!((0..5).all(|bus| guard.is_bus_active(INPUT, bus) && guard.is_bus_active(OUTPUT, bus)));
}

#[test]
fn the_factory_makes_its_one_class_and_nothing_else() {
    // SAFETY: the factory is the host's, and so is the reference.
    let factory = unsafe { ComPtr::from_raw(factory::make::<Probe>().cast::<IPluginFactory>()) };
    let factory = factory.and_then(|factory| factory.cast::<IPluginFactory3>()).expect("it is a factory");
    let class = Probe::PLATFORM_VST3_CLASS_ID;
    // SAFETY: the structures are plain numbers, for which zeros are valid, and are null, which is tried, or valid
    // for writing.
    unsafe {
        assert_eq!(factory.countClasses(), 1);
        let mut info = std::mem::zeroed();
        assert_eq!(factory.getFactoryInfo(&raw mut info), kResultOk);
        assert_eq!(text(&info.vendor), "Tests");
        let (mut one, mut two, mut three) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
        for index in [-1, 1, i32::MAX] {
            assert_eq!(factory.getClassInfo(index, &raw mut one), kInvalidArgument);
            assert_eq!(factory.getClassInfo2(index, &raw mut two), kInvalidArgument);
            assert_eq!(factory.getClassInfoUnicode(index, &raw mut three), kInvalidArgument);
        }
        assert_eq!(factory.getClassInfo(0, &raw mut one), kResultOk);
        assert_eq!(factory.getClassInfo2(0, &raw mut two), kResultOk);
        assert_eq!(factory.getClassInfoUnicode(0, &raw mut three), kResultOk);
        assert_eq!([text(&one.name), text(&two.name), text(&three.name)], ["Probe"; 3]);
        assert_eq!([text(&two.version), text(&three.version)], ["1.2.3"; 2]);
        assert_eq!([one.cid, two.cid, three.cid], [class.map(|byte| byte.cast_signed()); 3]);
        assert_eq!(factory.getFactoryInfo(null_mut()), kInvalidArgument);
        assert_eq!(factory.getClassInfo(0, null_mut()), kInvalidArgument);
        assert_eq!(factory.getClassInfo2(0, null_mut()), kInvalidArgument);
        assert_eq!(factory.getClassInfoUnicode(0, null_mut()), kInvalidArgument);
    }
    let (class, other, component) = (class.as_ptr(), b"CollavoceOther01".as_ptr(), IComponent::IID.as_ptr());
    let mut object = poison();
    let to = &raw mut object;
    for (class, interface, to, want) in [
        (class, component, null_mut(), kInvalidArgument),
        (null(), component, to, kInvalidArgument),
        (class, null(), to, kInvalidArgument),
        (other, component, to, kInvalidArgument),
        (class, other, to, kNoInterface),
        (class, component, to, kResultOk),
    ] {
        // SAFETY: ids are null or have 16 bytes, and `to` is null or valid for writing.
        assert_eq!(unsafe { factory.createInstance(class.cast(), interface.cast(), to) }, want);
    }
    // SAFETY: the factory has put the interface there that was asked for.
    let component = unsafe { ComPtr::from_raw(object.cast::<IComponent>()) }.expect("it is one");
    // SAFETY: nothing is asked of the caller.
    assert_eq!(unsafe { component.getBusCount(AUDIO, OUTPUT) }, 5);
    assert!(component.cast::<IAudioProcessor>().is_some() && component.cast::<IEditController>().is_some());
}
