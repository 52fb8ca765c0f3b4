//! What was found, for people and for programs.

use std::fmt::Write as _;

/// What was found of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was compared.
    pub name: String,
    /// The largest difference, relative to the largest number of its result.
    pub error: f64,
    /// What it may be.
    pub tolerance: f64,
    /// Whether a second run gave the same bits.
    pub repeatable: bool,
    /// Time of a call on the processor.
    pub host_ms: Option<f64>,
    /// Time of a call on the device, transfers included.
    pub device_ms: Option<f64>,
    /// Time to make the device's code, or to find it in the cache, and to load it.
    pub compile_ms: Option<f64>,
    /// Why it did not run on the device.
    pub fault: Option<String>,
}

impl Verdict {
    pub(super) fn new(name: &str, tolerance: f64) -> Verdict {
        Verdict {
            name: name.to_string(),
            error: f64::INFINITY,
            tolerance,
            repeatable: false,
            host_ms: None,
            device_ms: None,
            compile_ms: None,
            fault: None,
        }
    }

    /// Whether the device is as good as the processor.
    pub fn passed(&self) -> bool {
        self.fault.is_none() && self.repeatable && self.error <= self.tolerance
    }

    /// One line of the table.
    pub fn line(&self) -> String {
        let time = |ms: Option<f64>| ms.map_or_else(String::new, |ms| format!("{ms:.3}"));
        let said = match (&self.fault, self.passed(), self.repeatable) {
            (Some(fault), ..) => fault.clone(),
            (None, true, _) => "passed".to_string(),
            (None, false, false) => "FAILED: a second run gives other numbers".to_string(),
            (None, false, true) => format!("FAILED: {:.0e} is allowed", self.tolerance),
        };
        let (host, device, compile) = (time(self.host_ms), time(self.device_ms), time(self.compile_ms));
        format!("{:<52}{:>9.1e}{host:>11}{device:>11}{compile:>11}  {said}\n", self.name, self.error)
    }
}

/// All verdicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Conformance {
    /// The device.
    pub device: String,
    /// One for each case.
    pub verdicts: Vec<Verdict>,
}

impl Conformance {
    /// The first line of the table.
    pub fn heading(device: &str) -> String {
        let columns = format!("{:<52}{:>9}{:>11}{:>11}{:>11}", "", "error", "host ms", "device ms", "load ms");
        format!("{device}\n{columns}\n")
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.verdicts.iter().filter(|v| !v.passed()).count()
    }

    /// The last line of the table.
    pub fn summary(&self) -> String {
        let failed = self.failed();
        let mut out = String::new();
        let _ = writeln!(out, "{} passed, {failed} failed", self.verdicts.len() - failed);
        out
    }

    /// One object for programs.
    pub fn json(&self) -> String {
        let finite = |x: f64| if x.is_finite() { serde_json::json!(x) } else { serde_json::Value::Null };
        let verdicts: Vec<serde_json::Value> = self
            .verdicts
            .iter()
            .map(|v| {
                serde_json::json!({
                    "name": v.name, "passed": v.passed(), "error": finite(v.error), "tolerance": v.tolerance,
                    "repeatable": v.repeatable, "host_ms": v.host_ms, "device_ms": v.device_ms,
                    "compile_ms": v.compile_ms, "fault": v.fault,
                })
            })
            .collect();
        let object = serde_json::json!({ "device": self.device, "failed": self.failed(), "cases": verdicts });
        format!("{object}\n")
    }
}
