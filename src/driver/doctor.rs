//! `mechc doctor`: what this machine has that mechc can use, and what is missing and why.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::memory;
use crate::runtime::cuda::{self, Cache, DeviceError, DeviceInfo, Library};
use crate::solve::instructions;

/// What was found.
#[derive(Clone, Debug)]
pub struct Doctor {
    /// Processor cores that may be used.
    pub cores: usize,
    /// Its vector instructions.
    pub instructions: &'static str,
    /// Bytes of memory that can still be taken, as far as the system says.
    pub memory: Option<u64>,
    /// The CUDA version of the driver as major and minor, or why there is none.
    pub driver: Result<(u32, u32), DeviceError>,
    /// The version of NVRTC and the architectures it compiles for.
    pub nvrtc: Result<((u32, u32), Vec<u32>), DeviceError>,
    /// Whether cuBLAS is there.
    pub cublas: Result<(), DeviceError>,
    /// The devices, or why there is none.
    pub devices: Result<Vec<DeviceInfo>, DeviceError>,
    /// Where compiled kernels are kept.
    pub cache: Option<PathBuf>,
    /// Why nothing can be kept there.
    pub unusable: Option<String>,
}

impl Doctor {
    /// Looks at this machine. Nothing fails: what is missing is a finding.
    pub fn look() -> Doctor {
        let cache = Cache::of_user();
        Doctor {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: instructions(),
            memory: memory::available(),
            driver: cuda::driver_version().map(|v| (v / 1000, v % 1000 / 10)),
            nvrtc: cuda::nvrtc_version().and_then(|v| Ok((v, cuda::architectures()?))),
            cublas: Library::Cublas.ensure(),
            devices: cuda::devices(),
            unusable: cache.unusable(),
            cache: cache.folder().map(PathBuf::from),
        }
    }

    /// For people: one line for each finding.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<10}  {value}");
        };
        let missing = |e: &DeviceError| e.to_string();
        line("mechc", env!("CARGO_PKG_VERSION").to_string());
        line("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
        line("processor", format!("{} cores, {} vectors", self.cores, self.instructions));
        line("memory", self.memory.map_or("unknown".into(), |bytes| format!("{} free", memory::size(bytes))));
        line("driver", self.driver.as_ref().map_or_else(missing, |(major, minor)| format!("CUDA {major}.{minor}")));
        let nvrtc = |((major, minor), known): &((u32, u32), Vec<u32>)| {
            let known: Vec<String> = known.iter().map(|a| format!("sm_{a}")).collect();
            format!("{major}.{minor}, compiles for {}", known.join(", "))
        };
        line("NVRTC", self.nvrtc.as_ref().map_or_else(missing, nvrtc));
        let blas = |e: &DeviceError| format!("{}; products use generated kernels", without_blas(e));
        line("cuBLAS", self.cublas.as_ref().map_or_else(blas, |()| "found".to_string()));
        match &self.devices {
            Err(e) => line("devices", missing(e)),
            Ok(all) => all.iter().for_each(|d| line(&format!("cuda:{}", d.index), describe(d))),
        }
        let kept = |folder: &PathBuf| match &self.unusable {
            Some(why) => format!("{} cannot be used: {why}; set MECHC_CACHE to a folder", folder.display()),
            None => folder.display().to_string(),
        };
        line("cache", self.cache.as_ref().map_or("none: set MECHC_CACHE to a folder".into(), kept));
        out
    }

    /// For programs: one object.
    pub fn json(&self) -> String {
        let missing = |e: &DeviceError| serde_json::json!({ "code": e.code(), "missing": e.to_string() });
        let blas = |e: &DeviceError| serde_json::json!({ "code": e.code(), "missing": without_blas(e) });
        let nvrtc = |((major, minor), known): &((u32, u32), Vec<u32>)| serde_json::json!({ "version": format!("{major}.{minor}"), "architectures": known });
        let device = |d: &DeviceInfo| {
            serde_json::json!({
                "device": format!("cuda:{}", d.index), "name": d.name, "architecture": d.architecture(),
                "memory": d.memory, "multiprocessors": d.multiprocessors,
            })
        };
        let object = serde_json::json!({
            "mechc": env!("CARGO_PKG_VERSION"),
            "system": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "cores": self.cores,
            "vectors": self.instructions,
            "memory": self.memory,
            "driver": self.driver.as_ref().map_or_else(missing, |(a, b)| serde_json::json!({ "cuda": format!("{a}.{b}") })),
            "nvrtc": self.nvrtc.as_ref().map_or_else(missing, nvrtc),
            "cublas": self.cublas.as_ref().map_or_else(blas, |()| serde_json::json!({ "found": true })),
            "devices": self.devices.as_ref().map_or_else(missing, |all| all.iter().map(device).collect()),
            "cache": self.cache.as_ref().map(|p| p.display().to_string()),
            "cache_unusable": self.unusable,
        });
        format!("{object}\n")
    }
}

/// Why cuBLAS is not there. No device has failed by that.
fn without_blas(error: &DeviceError) -> String {
    match error {
        DeviceError::Fault { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

fn describe(d: &DeviceInfo) -> String {
    let (memory, units) = (memory::size(d.memory), d.multiprocessors);
    format!("{}, sm_{}, {memory}, {units} multiprocessors", d.name, d.architecture())
}
