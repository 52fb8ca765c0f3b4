//! `mechc bench` on a device.

use super::{mechc, training};

#[test]
fn times_are_measured_on_either() {
    let (_folder, model) = training();
    for (device, at_once) in [("cuda", 64), ("cpu", 1)] {
        let args = ["bench", "step", &model, "--device", device, "--repeat", "2", "--json"];
        let (code, text, said) = mechc(&[], &args);
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        assert_eq!(
            (&found["repeats"], &found["steps_at_once"], &found["batch"]),
            (&2.into(), &at_once.into(), &16.into())
        );
        assert!(found["step_ms"].as_f64() > Some(0.0) && found["loss"].as_f64() > Some(0.0), "{text}");
        assert!(found["device"].as_str().is_some_and(|d| d.starts_with(device)), "{text}");
        for more in [&[][..], &["--constant-matrix"], &["--dtype", "f32"], &["--dtype", "mixed"]] {
            let args =
                ["bench", "solve", "--batch", "5", "--steps", "8", "--repeat", "2", "--json", "--device", device];
            let (code, text, said) = mechc(&[], &[&args[..], more].concat());
            assert_eq!(code, Some(0), "{said}");
            let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
            assert!(found["forward_ms"].as_f64() > Some(0.0), "{text}");
            assert_eq!(found["to_device_ms"].is_number(), device == "cuda", "{text}");
            let dtype = more.iter().skip_while(|m| **m != "--dtype").nth(1).unwrap_or(&"f64");
            assert_eq!(found["dtype"].as_str(), Some(*dtype), "{text}");
            let of_gradients = if *dtype == "f32" { "mixed" } else { dtype };
            assert_eq!(found["gradients_dtype"].as_str(), Some(of_gradients), "{text}");
            assert!(found["device"].as_str().is_some_and(|d| d.starts_with(device)), "{text}");
        }
    }
    // As many systems with one matrix as an explicit matrix pays for, one fewer, and as many with matrices of their own; few long ones.
    for (batch, steps, matrices, operator, cut) in [
        ("64", "8", &["--constant-matrix"][..], true, false),
        ("63", "8", &["--constant-matrix"], false, false),
        ("64", "8", &[], false, false),
        ("2", "128", &[], false, true),
    ] {
        let args =
            ["bench", "solve", "--batch", batch, "--steps", steps, "--repeat", "2", "--json", "--device", "cuda"];
        let (code, text, said) = mechc(&[], &[&args[..], matrices].concat());
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        assert_eq!(found["forward_operator"].as_bool(), Some(operator), "{text}");
        assert_eq!(found["regime"].as_str().map(|r| r.contains("in 16 segments")), Some(cut), "{text}");
    }
    let args = ["bench", "solve", "--batch", "5", "--steps", "8", "--rows", "hermite", "--device", "cuda"];
    let (code, _, said) = mechc(&[], &args);
    assert!(code == Some(2) && said.contains("N008"), "{said}");
    // A device that is looked for in vain is told of.
    let args = ["bench", "solve", "--batch", "5", "--steps", "8", "--repeat", "1", "--json", "--device", "auto"];
    for (variables, told) in [(&[("FAKE_CUDA", "no-device")][..], true), (&[], false)] {
        let (code, text, said) = mechc(variables, &args);
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        let why = "computing on the processor: the CUDA driver finds no device";
        assert_eq!((code, said.starts_with(&format!("warning: {why}"))), (Some(0), told), "{said}");
        assert_eq!(found["remark"].as_str().is_some_and(|r| r.starts_with(why)), told, "{text}");
        assert_eq!(found["device"] == "cpu", told, "{text}");
    }
    let (code, _, said) = mechc(&[], &["bench", "step", "examples/lorenz.mech"]);
    assert!(code == Some(2) && said.contains("N004"), "{said}");
}

#[test]
fn steps_with_rounded_factors_are_measured_and_named() {
    let (_folder, model) = training();
    let measured = |more: &[&str]| {
        // The first layer's product, 16 by 40 by 64, is large enough for the library.
        let args = ["bench", "step", &model, "--device", "cuda", "--repeat", "1", "--json"];
        let (code, text, said) = mechc(&[], &[&args[..], more].concat());
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        (found["loss"].as_f64().expect("a loss"), found["device"].as_str().expect("a device").to_string())
    };
    let (exact, plain) = measured(&[]);
    let (rounded, named) = measured(&["--tf32"]);
    assert!(named.contains("TF32") && !plain.contains("TF32"), "{named}, {plain}");
    // Ten bits: other numbers, but not very different ones.
    assert!(rounded != exact && (rounded - exact).abs() < 0.05 * exact.abs(), "{rounded}, {exact}");
}
