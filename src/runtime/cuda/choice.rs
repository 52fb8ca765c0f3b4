//! Where a run computes, as a user says it.

use std::fmt;
use std::str::FromStr;

/// `cpu`, `cuda`, `cuda:N` or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The host's threads.
    #[default]
    Cpu,
    /// The CUDA device of this number; it is an error when it cannot be used.
    Cuda(usize),
    /// The first CUDA device where one can be used, the host otherwise.
    Auto,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(DeviceChoice::Cpu),
            "auto" => Ok(DeviceChoice::Auto),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").and_then(|n| n.parse::<u16>().ok());
                let wrong = || "is neither cpu, cuda, cuda:N with a number N, nor auto".to_string();
                number.map(|n| DeviceChoice::Cuda(usize::from(n))).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(n) => write!(f, "cuda:{n}"),
            DeviceChoice::Auto => f.write_str("auto"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_shown() {
        for (text, choice) in
            [("cpu", DeviceChoice::Cpu), ("cuda:3", DeviceChoice::Cuda(3)), ("auto", DeviceChoice::Auto)]
        {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for bad in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "cuda:99999999"] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }
}
