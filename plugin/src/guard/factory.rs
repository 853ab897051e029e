//! The VST3 module's factory and entry points.

use std::ffi::c_void;

use nice_plug::wrapper::vst3::vst3::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo, TUID,
    int32, kInternalError, kInvalidArgument, kResultOk, tresult,
};
use nice_plug::wrapper::vst3::vst3::{Class, ComWrapper};
use nice_plug::wrapper::vst3::{PluginInfo, Vst3Plugin};

use super::Guard;

/// A factory of one class: a plugin `P` behind its guard.
#[derive(Debug)]
pub struct Factory<P> {
    info: PluginInfo,
    plugin: std::marker::PhantomData<fn() -> P>,
}

impl<P: Vst3Plugin> Default for Factory<P> {
    fn default() -> Self {
        Self { info: PluginInfo::for_plugin::<P>(), plugin: std::marker::PhantomData }
    }
}

/// Makes a factory for the host, which owns it from then on.
pub fn make<P: Vst3Plugin>() -> *mut c_void {
    let factory = ComWrapper::new(Factory::<P>::default());
    factory.to_com_ptr::<IPluginFactory>().map_or(std::ptr::null_mut(), |f| f.into_raw().cast())
}

impl<P: Vst3Plugin> Class for Factory<P> {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

/// Writes an answer about the class at `index`.
///
/// # Safety
///
/// `to` is null or valid for writing.
unsafe fn answer<T>(index: int32, to: *mut T, value: impl FnOnce() -> T) -> tresult {
    if index != 0 || to.is_null() {
        return kInvalidArgument;
    }
    // SAFETY: it is not null.
    unsafe { to.write(value()) };
    kResultOk
}

impl<P: Vst3Plugin> IPluginFactoryTrait for Factory<P> {
    // SAFETY: `info` is null or valid for writing.
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: as above.
        unsafe { answer(0, info, || self.info.create_factory_info()) }
    }

    // SAFETY: nothing is asked of the caller.
    unsafe fn countClasses(&self) -> int32 {
        1
    }

    // SAFETY: `info` is null or valid for writing.
    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: as above.
        unsafe { answer(index, info, || self.info.create_class_info()) }
    }

    // SAFETY: both ids are null or point to 16 bytes; `object` is null or valid for writing.
    unsafe fn createInstance(
        &self,
        class: FIDString,
        interface: FIDString,
        object: *mut *mut c_void,
    ) -> tresult {
        if class.is_null() || interface.is_null() || object.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: it is not null.
        unsafe { object.write(std::ptr::null_mut()) };
        // SAFETY: an id has 16 bytes.
        if unsafe { class.cast::<[u8; 16]>().read_unaligned() } != *self.info.cid {
            return kInvalidArgument;
        }
        let instance = ComWrapper::new(Guard::<P>::new());
        let Some(unknown) = instance.as_com_ref::<FUnknown>() else { return kInternalError };
        let unknown = unknown.as_ptr();
        // SAFETY: the instance is alive; an interface that is found holds on to it.
        unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, interface.cast::<TUID>(), object) }
    }
}

impl<P: Vst3Plugin> IPluginFactory2Trait for Factory<P> {
    // SAFETY: `info` is null or valid for writing.
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: as above.
        unsafe { answer(index, info, || self.info.create_class_info_2()) }
    }
}

impl<P: Vst3Plugin> IPluginFactory3Trait for Factory<P> {
    // SAFETY: `info` is null or valid for writing.
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: as above.
        unsafe { answer(index, info, || self.info.create_class_info_unicode()) }
    }

    // SAFETY: the context is not looked at.
    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}

/// Exports a plugin as a VST3 module.
#[macro_export]
macro_rules! export_vst3 {
    ($plugin:ty) => {
        /// Gives the host the factory.
        // SAFETY: no other function of this library has the name.
        #[unsafe(no_mangle)]
        pub extern "system" fn GetPluginFactory() -> *mut std::ffi::c_void {
            $crate::guard::factory::make::<$plugin>()
        }

        /// The host has loaded the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(all(target_family = "unix", not(target_os = "macos")))]
        pub extern "C" fn ModuleEntry(_library: *mut std::ffi::c_void) -> bool {
            nice_plug::wrapper::setup_logger::<$plugin>();
            true
        }

        /// The host unloads the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(all(target_family = "unix", not(target_os = "macos")))]
        pub extern "C" fn ModuleExit() -> bool {
            true
        }

        /// The host has loaded the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(target_os = "macos")]
        pub extern "C" fn bundleEntry(_library: *mut std::ffi::c_void) -> bool {
            nice_plug::wrapper::setup_logger::<$plugin>();
            true
        }

        /// The host unloads the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(target_os = "macos")]
        pub extern "C" fn bundleExit() -> bool {
            true
        }

        /// The host has loaded the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(target_os = "windows")]
        pub extern "system" fn InitDll() -> bool {
            nice_plug::wrapper::setup_logger::<$plugin>();
            true
        }

        /// The host unloads the module.
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[cfg(target_os = "windows")]
        pub extern "system" fn ExitDll() -> bool {
            true
        }
    };
}
