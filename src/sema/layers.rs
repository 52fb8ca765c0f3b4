//! Chains of layers: `trunk, flatten, linear(bias = 0), sigmoid`.

use super::families;
use super::network::{MAX_LAYERS, Shared, widths};
use super::settings::{Context, Settings, as_word};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0503, E0504, E1001, E1002, E1003, E1004, E1005};
use crate::hir::{Activation, Layer, NetworkOutput, Over, Padding, number};
use crate::syntax::ast::{Call, Expr, ExprKind, Setting, SettingValue};

/// Words that a layer starts with.
pub(super) const LAYERS: [&str; 10] =
    ["conv1d", "linear", "mlp", "flatten", "relu", "tanh", "elu", "silu", "gelu", "sigmoid"];
/// The most steps a convolution reads.
const MAX_KERNEL: f64 = 1023.0;

/// What a layer reads or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// So many numbers at every step of the window; `None` where that is not known.
    Sequence(Option<usize>),
    /// All samples of the window at every element of an index set.
    Samples,
    /// Numbers without an order in time.
    Vector,
}

/// A checked chain.
pub(super) struct Chain {
    /// The trunk it reads.
    pub(super) from: Option<usize>,
    pub(super) layers: Vec<Layer>,
    /// What it gives.
    pub(super) shape: Shape,
}

/// The last layer of an output that names none.
pub(super) fn implied() -> Layer {
    Layer::Emit { conv: None, weight: 1.0, bias: None }
}

/// A function by its name.
pub(super) fn activation(
    name: &str,
    e: &Expr,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Activation> {
    let found = Activation::ALL.into_iter().find(|a| a.name() == name);
    if found.is_none() {
        let help = suggest::help("activations", name, Activation::ALL.iter().map(|a| a.name()));
        let d = Diagnostic::error(E0503, format!("there is no activation `{name}`"), e.span, "unknown");
        cx.sink.push(d.help(help));
        settings.ok = false;
    }
    found
}

/// Checks the layers of a trunk or of `output`. Named layers that it reads are marked as read.
pub(super) fn chain(
    values: &[SettingValue],
    shared: &mut Shared,
    output: Option<&NetworkOutput>,
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Chain> {
    let mut reader = Reader { rest: values, setting, settings, cx };
    let mut chain = Chain { from: None, layers: Vec::new(), shape: shared.input };
    if let Some(name) = values.first().and_then(as_word)
        && let Some(at) = shared.trunks.iter().position(|t| t.name == name)
    {
        shared.read[at] = true;
        chain.from = Some(at);
        chain.shape = shared.shapes[at];
        reader.rest = &values[1..];
    }
    while !reader.rest.is_empty() {
        reader.layer(&mut chain, shared, output)?;
        if chain.layers.len() > MAX_LAYERS {
            let message = format!("a network has at most {MAX_LAYERS} layers one after the other");
            return reader.settings.out_of_range(message, setting.span, reader.cx);
        }
    }
    match output {
        Some(output) => end(chain, (output, shared.set.as_ref()), setting, settings, cx),
        None => Some(chain),
    }
}

/// The end of an output's chain: what gives as many numbers as the output has.
fn end(
    mut chain: Chain,
    (output, set): (&NetworkOutput, Option<&(String, usize)>),
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Chain> {
    let emits = chain.layers.iter().any(|l| matches!(l, Layer::Emit { .. }));
    let last = chain.layers.iter().rev().find(|l| !matches!(l, Layer::Activate(_)));
    match last {
        _ if emits => {}
        Some(&Layer::Conv { channels, .. }) => {
            let (name, size) = (&output.name, output.size);
            let problem = if let (None, Some((set, _))) = (output.elements, set) {
                Some(format!("`{name}` is not over `{set}`, and a convolution gives numbers for every element"))
            } else if output.elements.is_some() && output.over != Over::Once {
                Some(format!(
                    "`{name}` has numbers for many steps, and the convolution gives {channels} at every element"
                ))
            } else if output.elements.is_some() {
                (channels != size).then(|| {
                    format!(
                        "`{name}` has {} at every element, and the convolution gives {channels}",
                        families::so_many(size)
                    )
                })
            } else if output.over == Over::Horizon {
                Some(format!(
                    "`{name}` is over the horizon, and a convolution gives numbers for the steps of the window"
                ))
            } else if output.over == Over::Once {
                Some(format!("`{name}` is not over the window, and a convolution gives numbers for every step"))
            } else if channels != size {
                Some(format!("`{name}` has {} per step, and the convolution gives {channels}", families::so_many(size)))
            } else {
                None
            };
            if let Some(message) = problem {
                let d = Diagnostic::error(E1003, message, setting.span, "does not fit");
                let last = if output.elements.is_some() { "conv1d kernel 1" } else { "linear" };
                cx.sink.push(d.help(format!("end the layers with `{last}`, which gives what the output needs")));
                settings.ok = false;
                return None;
            }
        }
        // Each element of an output over an index set is given by what its own element has.
        _ if output.elements.is_some() && chain.shape != Shape::Vector => {
            chain.layers.push(Layer::Emit { conv: Some((1, Padding::Zero)), weight: 1.0, bias: None });
        }
        _ => chain.layers.push(implied()),
    }
    Some(chain)
}

/// Reads a chain from left to right.
struct Reader<'r, 's, 'c, 'x> {
    rest: &'r [SettingValue],
    setting: &'r Setting,
    settings: &'r mut Settings<'s>,
    cx: &'c mut Context<'x>,
}

impl Reader<'_, '_, '_, '_> {
    /// The next layers: one word and what belongs to it.
    fn layer(&mut self, chain: &mut Chain, shared: &Shared, output: Option<&NetworkOutput>) -> Option<()> {
        let Some(SettingValue::Expr(e)) = self.rest.first() else {
            return self.settings.wrong(self.setting, "layers, such as `conv1d [16] kernel 5 elu`", self.cx);
        };
        self.rest = &self.rest[1..];
        let (name, call) = match &e.kind {
            ExprKind::Name(name) => (name.as_str(), None),
            ExprKind::Call(call) => (call.function.name.as_str(), Some(call)),
            _ => return self.settings.wrong(self.setting, "layers, such as `conv1d [16] kernel 5 elu`", self.cx),
        };
        let ends = chain.layers.iter().any(|l| matches!(l, Layer::Emit { .. }));
        let function = Activation::ALL.into_iter().find(|a| a.name() == name);
        if ends && function.is_none() {
            return self.refuse(E1004, "a layer stands behind the one that gives the output", e, "too late", NO_SIZES);
        }
        match (name, call) {
            ("conv1d", call) if output.is_some_and(|o| o.elements.is_some()) && !self.has_sizes() => {
                self.emit_along(chain, call, e)
            }
            ("conv1d", None) => self.convolutions(chain, e),
            ("mlp" | "linear", None) if self.has_sizes() => self.dense(chain, name == "mlp"),
            ("linear", call) => {
                if output.is_none() {
                    let message = "`linear` without sizes gives what an output needs, and this is no output";
                    return self.refuse(E1004, message, e, "no sizes", NO_SIZES);
                }
                let (weight, bias) = self.start_of_emit("linear", call)?;
                chain.layers.push(Layer::Emit { conv: None, weight, bias });
                chain.shape = Shape::Vector;
                Some(())
            }
            ("flatten", None) => {
                chain.shape = Shape::Vector;
                Some(())
            }
            (_, None) if function.is_some() => {
                chain.layers.extend(function.map(Layer::Activate));
                Some(())
            }
            _ => {
                let trunks = shared.trunks.iter().map(|t| t.name.as_str()).filter(|n| !n.is_empty());
                let help = suggest::help("layers", name, LAYERS.into_iter().chain(trunks));
                let message = format!("there is no layer `{name}`");
                self.cx.sink.push(Diagnostic::error(E1005, message, e.span, "unknown").help(help).missing(name));
                self.settings.ok = false;
                None
            }
        }
    }

    fn refuse<T>(&mut self, code: &'static str, message: &str, e: &Expr, label: &str, help: &str) -> Option<T> {
        self.cx.sink.push(Diagnostic::error(code, message, e.span, label.to_string()).help(help.to_string()));
        self.settings.ok = false;
        None
    }

    /// `[64, 64] relu`
    fn dense(&mut self, chain: &mut Chain, every: bool) -> Option<()> {
        let widths = self.sizes()?;
        let named = self.function();
        // A perceptron without a function between its layers would be one layer.
        let activation = if every { Some(named.unwrap_or(Activation::Relu)) } else { named };
        chain.layers.extend(widths.into_iter().map(|width| Layer::Dense { width, activation }));
        chain.shape = Shape::Vector;
        Some(())
    }

    /// `[64, 128] kernel 5 elu circular residual`
    fn convolutions(&mut self, chain: &mut Chain, e: &Expr) -> Option<()> {
        self.ensure_steps(chain, e)?;
        let widths = self.sizes()?;
        let (mut kernel, mut padding, mut residual, mut activation) = (3, Padding::Zero, false, None);
        while let Some(word) = self.rest.first().and_then(as_word) {
            match word {
                _ if self.reach(word, &mut kernel, &mut padding)? => continue,
                "residual" => residual = true,
                other => match Activation::ALL.into_iter().find(|a| a.name() == other) {
                    Some(function) if activation.is_none() => activation = Some(function),
                    _ => break,
                },
            }
            self.rest = &self.rest[1..];
        }
        let mut before = if let Shape::Sequence(before) = chain.shape { before } else { None };
        for channels in widths {
            if residual && chain.shape == Shape::Samples && before.is_none() {
                let message =
                    "a residual convolution adds what it reads to what it gives: here the samples of the window";
                let help = format!("put `conv1d [{channels}] kernel 1` before it");
                return self.refuse(E1002, message, e, "do not agree", &help);
            }
            if residual && before.is_some_and(|b| b != channels) {
                let message = format!(
                    "a residual convolution adds what it reads to what it gives: {} numbers per step and {channels}",
                    before.unwrap_or_default()
                );
                let help = format!("put `conv1d [{channels}] kernel 1` before it");
                return self.refuse(E1002, &message, e, "do not agree", &help);
            }
            chain.layers.push(Layer::Conv { channels, kernel, padding, activation, residual });
            before = Some(channels);
        }
        chain.shape = Shape::Sequence(before);
        Some(())
    }

    /// Convolutions go along steps or elements.
    fn ensure_steps(&mut self, chain: &Chain, e: &Expr) -> Option<()> {
        if chain.shape != Shape::Vector {
            return Some(());
        }
        let help = "put convolutions before `flatten`, `linear` and `mlp`, and give them an input over the window";
        self.refuse(E1001, "`conv1d` reads numbers that have no order in time", e, "no steps here", help)
    }

    /// `conv1d kernel 1`: what an output over an index set needs at every element.
    fn emit_along(&mut self, chain: &mut Chain, call: Option<&Call>, e: &Expr) -> Option<()> {
        self.ensure_steps(chain, e)?;
        let (weight, bias) = self.start_of_emit("conv1d", call)?;
        let (mut kernel, mut padding) = (3, Padding::Zero);
        while let Some(word) = self.rest.first().and_then(as_word) {
            if !self.reach(word, &mut kernel, &mut padding)? {
                break;
            }
        }
        chain.layers.push(Layer::Emit { conv: Some((kernel, padding)), weight, bias });
        chain.shape = Shape::Vector;
        Some(())
    }

    /// `kernel 5`, `circular` or `zero`: how far every convolution reads, and what stands beyond the ends. Whether `word` is one of these,
    /// which then is taken.
    fn reach(&mut self, word: &str, kernel: &mut usize, padding: &mut Padding) -> Option<bool> {
        match word {
            "kernel" | "circular" | "zero" => self.rest = &self.rest[1..],
            _ => return Some(false),
        }
        match word {
            "kernel" => *kernel = self.kernel()?,
            "circular" => *padding = Padding::Circular,
            _ => *padding = Padding::Zero,
        }
        Some(true)
    }

    fn has_sizes(&self) -> bool {
        matches!(self.rest.first(), Some(SettingValue::List(..)))
    }

    fn kernel(&mut self) -> Option<usize> {
        let Some(SettingValue::Expr(e)) = self.rest.first() else {
            return self.settings.wrong(self.setting, "an odd number after `kernel`", self.cx);
        };
        self.rest = &self.rest[1..];
        let v = self.settings.constant(self.setting, e, self.cx)?;
        if v.fract() == 0.0 && v % 2.0 == 1.0 && (1.0..=MAX_KERNEL).contains(&v) {
            return Some(v as usize);
        }
        let message =
            format!("a kernel reads an odd number of steps from 1 to {MAX_KERNEL}, and this is {}", number(v));
        self.cx.sink.push(
            Diagnostic::error(E0504, message, e.span, "out of range")
                .help("write `kernel 5`: as many steps before a step as behind it"),
        );
        self.settings.ok = false;
        None
    }

    /// The list after a layer's name.
    fn sizes(&mut self) -> Option<Vec<usize>> {
        let Some(SettingValue::List(list, _)) = self.rest.first() else {
            return self.settings.wrong(self.setting, "sizes after `conv1d`: `conv1d [16, 16] kernel 5`", self.cx);
        };
        self.rest = &self.rest[1..];
        widths(list, self.setting, self.settings, self.cx)
    }

    /// The function that may follow.
    fn function(&mut self) -> Option<Activation> {
        let word = self.rest.first().and_then(as_word)?;
        let found = Activation::ALL.into_iter().find(|a| a.name() == word)?;
        self.rest = &self.rest[1..];
        Some(found)
    }

    /// `linear(bias = -3, weight = 0)`: how large weights start, and what offsets start at.
    fn start_of_emit(&mut self, layer: &str, call: Option<&Call>) -> Option<(f64, Option<f64>)> {
        let (mut weight, mut bias) = (1.0, None);
        let Some(call) = call else { return Some((weight, bias)) };
        if !call.arguments.is_empty() {
            return self.settings.wrong(self.setting, &format!("`{layer}(weight = 0, bias = -3)`"), self.cx);
        }
        for option in &call.named {
            let v = self.settings.constant(self.setting, &option.value, self.cx)?;
            match option.name.name.as_str() {
                "weight" if v >= 0.0 => weight = v,
                "weight" => {
                    let message = "`weight` is how large the weights start, and at least 0";
                    self.cx.sink.push(
                        Diagnostic::error(E0504, message, option.value.span, "out of range")
                            .help("write `linear(weight = 0.1)`; 1 is the usual start"),
                    );
                    self.settings.ok = false;
                }
                "bias" => bias = Some(v),
                name => {
                    let help = suggest::help("options", name, ["weight", "bias"]);
                    let message = format!("`{layer}` has no option `{name}`");
                    self.cx.sink.push(Diagnostic::error(E0503, message, option.name.span, "unknown").help(help));
                    self.settings.ok = false;
                }
            }
        }
        Some((weight, bias))
    }
}

const NO_SIZES: &str = "write sizes, `linear [64]`, or put `linear` at the end of an output";
