//! The generator.

use super::interval::Interval;
use super::systems;
use crate::base::{Elem, Idx, Real, Tensor};
use crate::ir::{AxisId, BinaryOp, Builder, CmpOp, Module, Type, UnaryOp, ValueId};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What programs to make.
#[derive(Clone, Debug)]
pub struct ProgramOptions {
    /// About how many instructions, solves and the closing sums aside.
    pub instructions: usize,
    /// Whether there are relaxed and symmetric solves.
    pub solves: bool,
    /// Whether there are single-precision values.
    pub single: bool,
    /// Whether every value is a smooth function of the parameters, for comparing gradients with differences.
    pub smooth: bool,
}

impl Default for ProgramOptions {
    fn default() -> Self {
        ProgramOptions { instructions: 30, solves: true, single: true, smooth: false }
    }
}

/// A module with one function `program` and arguments for it. All unused values are results; the result `loss` is the
/// double-precision scalar sum of all of them. A parameter named `mask` holds zeros and ones; gradients are not owed for it.
pub fn random_program(rng: &mut ChaCha8Rng, options: &ProgramOptions) -> (Module, Vec<Tensor>) {
    let mut module = Module::new("random");
    let mut axes = Vec::new();
    for (name, fixed, size) in
        [("sample", None, 3), ("time", None, 4), ("k", Some(3), 3), ("j", Some(2), 2), ("kk", Some(3), 3)]
    {
        axes.push((module.axis(name, fixed), size));
    }
    module.axis("flat", None);
    let builder = Builder::new(&mut module, "program");
    let mut g = Generator { b: builder, rng, options, axes, pool: Vec::new(), args: Vec::new() };
    g.params();
    let systems = options.solves.then(|| systems::params(&mut g));
    if let Some(systems) = systems {
        systems::solves(&mut g, &systems);
    }
    let mut made = 0;
    // Most draws fit; the bound only keeps an unlucky pool from going on for ever.
    for _ in 0..50 * options.instructions {
        if made < options.instructions && g.step().is_some() {
            made += 1;
        }
    }
    g.results();
    let Generator { b, args, .. } = g;
    // The builder's complaint would be a mistake of this generator; the verifier in the tests shows it.
    let function = b.into_function().unwrap_or_default();
    module.functions.push(function);
    (module, args)
}

/// A value that further instructions may use.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub value: ValueId,
    pub bounds: Interval,
    pub used: bool,
}

pub(super) struct Generator<'a> {
    pub b: Builder<'a>,
    pub rng: &'a mut ChaCha8Rng,
    pub options: &'a ProgramOptions,
    /// The axes in general use and their sizes in the arguments.
    pub axes: Vec<(AxisId, usize)>,
    pub pool: Vec<Entry>,
    pub args: Vec<Tensor>,
}

impl Generator<'_> {
    fn params(&mut self) {
        let [sample, time, k, j, _] = [0, 1, 2, 3, 4].map(|i| self.axes[i].0);
        let shapes: [&[AxisId]; 7] = [&[], &[k], &[sample], &[sample, time], &[time, k], &[k, j], &[sample, k, j]];
        for (i, axes) in shapes.into_iter().enumerate() {
            let bounds = [(0.5, 2.0), (-1.0, 1.0), (-2.0, -0.5), (0.3, 0.8), (-0.8, 0.8)];
            let (lo, hi) = bounds[self.rng.random_range(0..bounds.len())];
            let elem = if self.options.single && i % 3 == 2 { Elem::F32 } else { Elem::F64 };
            let value =
                self.param(&format!("p{i}"), Type { elem, axes: axes.to_vec() }, |g| g.rng.random_range(lo..hi));
            self.push(value, Interval::new(lo, hi));
        }
    }

    /// A parameter and its argument, filled number by number.
    pub fn param(&mut self, name: &str, ty: Type, mut number: impl FnMut(&mut Self) -> f64) -> ValueId {
        let shape: Vec<usize> = ty.axes.iter().map(|&a| self.size(a)).collect();
        let data: Vec<f64> = (0..shape.iter().product()).map(|_| number(self)).collect();
        let arg = match ty.elem {
            Elem::F64 => Tensor::from_f64(shape, data),
            Elem::F32 => Tensor::from_f32(shape, data.into_iter().map(f32::from_f64).collect()),
        };
        self.args.push(arg.unwrap_or_else(|_| Tensor::scalar(0.0)));
        self.b.param(name, ty)
    }

    /// The size of an axis in the arguments.
    pub fn size(&self, axis: AxisId) -> usize {
        let fixed = self.b.module.axes[axis].size;
        fixed.or_else(|| self.axes.iter().find(|(a, _)| *a == axis).map(|(_, n)| *n)).unwrap_or(1)
    }

    pub fn push(&mut self, value: ValueId, bounds: Interval) {
        self.pool.push(Entry { value, bounds, used: false });
    }

    fn pick(&mut self) -> usize {
        // Late values first, or programs stay shallow.
        let n = self.pool.len();
        let (a, b) = (self.rng.random_range(0..n), self.rng.random_range(0..n));
        a.max(b)
    }

    /// An operand, and another that broadcasts to it or the other way around.
    fn pick_pair(&mut self) -> Option<(usize, usize)> {
        let (a, b) = (self.pick(), self.pick());
        let (s, t) = (self.b.ty(self.pool[a].value), self.b.ty(self.pool[b].value));
        let inside = |x: &Type, y: &Type| {
            let mut rest = y.axes.iter();
            x.axes.iter().all(|p| rest.any(|q| p == q))
        };
        (s.elem == t.elem && (inside(s, t) || inside(t, s))).then_some((a, b))
    }

    fn take(&mut self, at: usize) -> (ValueId, Interval) {
        self.pool[at].used = true;
        (self.pool[at].value, self.pool[at].bounds)
    }

    /// Tries one random instruction.
    fn step(&mut self) -> Option<()> {
        match self.rng.random_range(0..20) {
            0..=4 => self.unary(),
            5..=9 => self.binary(),
            10 => self.powi(),
            11 => self.select(),
            12 => self.constant(),
            13 => self.convert(),
            14 => self.rearrange(),
            15 => self.sum(),
            16 => self.index_or_place(),
            17 => self.stack(),
            _ => self.contract(),
        }
    }

    fn unary(&mut self) -> Option<()> {
        let op = UnaryOp::ALL[self.rng.random_range(0..UnaryOp::ALL.len())];
        let a = self.pick();
        let bounds = self.pool[a].bounds.unary(op, self.options.smooth)?;
        let (value, _) = self.take(a);
        let value = self.b.unary(op, value);
        self.push(value, bounds);
        Some(())
    }

    fn binary(&mut self) -> Option<()> {
        let op = BinaryOp::ALL[self.rng.random_range(0..BinaryOp::ALL.len())];
        let (a, b) = self.pick_pair()?;
        let bounds = self.pool[a].bounds.binary(op, self.pool[b].bounds, self.options.smooth)?;
        let (a, b) = (self.take(a).0, self.take(b).0);
        let value = self.b.binary(op, a, b);
        self.push(value, bounds);
        Some(())
    }

    fn powi(&mut self) -> Option<()> {
        let (a, n) = (self.pick(), self.rng.random_range(-3..=5));
        let bounds = self.pool[a].bounds.powi(n)?;
        let (value, _) = self.take(a);
        let value = self.b.powi(value, n);
        self.push(value, bounds);
        Some(())
    }

    fn select(&mut self) -> Option<()> {
        let (a, b) = self.pick_pair()?;
        if self.options.smooth && !self.pool[a].bounds.apart(self.pool[b].bounds) {
            return None;
        }
        let cmp = CmpOp::ALL[self.rng.random_range(0..CmpOp::ALL.len())];
        let ((a, p), (b, q)) = (self.take(a), self.take(b));
        let value = self.b.select(cmp, a, b, b, a);
        self.push(value, p.hull(q));
        Some(())
    }

    fn constant(&mut self) -> Option<()> {
        let whole = [0.0, 1.0, -1.0, 2.0];
        let x = if self.rng.random_bool(0.5) {
            whole[self.rng.random_range(0..whole.len())]
        } else {
            self.rng.random_range(-2.0..2.0)
        };
        let value = self.b.f64(x);
        self.push(value, Interval::new(x, x));
        Some(())
    }

    fn convert(&mut self) -> Option<()> {
        if !self.options.single {
            return None;
        }
        let a = self.pick();
        let (value, bounds) = self.take(a);
        let elem = if self.b.ty(value).elem == Elem::F64 { Elem::F32 } else { Elem::F64 };
        let value = self.b.convert(value, elem);
        // Rounding may pass the bounds by a little.
        self.push(value, Interval::new(bounds.lo - 1e-5, bounds.hi + 1e-5));
        Some(())
    }

    /// A broadcast, a transpose, or a reshape that renames an axis or joins two.
    fn rearrange(&mut self) -> Option<()> {
        let a = self.pick();
        let mut axes = self.b.ty(self.pool[a].value).axes.clone();
        let [sample, time, k, _, kk] = [0, 1, 2, 3, 4].map(|i| self.axes[i].0);
        // Made after the five axes in general use.
        let flat = AxisId::new(5);
        let kind = self.rng.random_range(0..4);
        match kind {
            0 => {
                let extra = self.axes[self.rng.random_range(0..self.axes.len())].0;
                if axes.contains(&extra) || axes.len() > 3 {
                    return None;
                }
                axes.insert(self.rng.random_range(0..=axes.len()), extra);
            }
            1 if axes.len() > 1 => axes.reverse(),
            2 if axes.contains(&k) && !axes.contains(&kk) => {
                axes.iter_mut().filter(|a| **a == k).for_each(|a| *a = kk);
            }
            // `flat` is always of the size of sample and time together: it has one size in a program.
            3 => {
                let at = axes.windows(2).position(|w| w == [sample, time])?;
                axes.splice(at..at + 2, [flat]);
            }
            _ => return None,
        }
        let (value, bounds) = self.take(a);
        let value = match kind {
            0 => self.b.broadcast(value, &axes),
            1 => self.b.transpose(value, &axes),
            _ => self.b.reshape(value, &axes),
        };
        if kind == 3 && !self.axes.iter().any(|(a, _)| *a == flat) {
            let size = self.size(sample) * self.size(time);
            self.axes.push((flat, size));
        }
        self.push(value, bounds);
        Some(())
    }

    fn sum(&mut self) -> Option<()> {
        let a = self.pick();
        let axes = self.b.ty(self.pool[a].value).axes.clone();
        let over: Vec<AxisId> = axes.into_iter().filter(|_| self.rng.random_bool(0.6)).collect();
        let n = over.iter().map(|&a| self.size(a)).product();
        let bounds = self.pool[a].bounds.times(n).sane()?;
        if over.is_empty() {
            return None;
        }
        let (value, _) = self.take(a);
        let value = self.b.sum(value, &over);
        self.push(value, bounds);
        Some(())
    }

    fn index_or_place(&mut self) -> Option<()> {
        let a = self.pick();
        let (axis, size) = self.axes[self.rng.random_range(2..5)];
        let at = self.rng.random_range(0..size);
        let ty = self.b.ty(self.pool[a].value).clone();
        let (value, bounds) = self.take(a);
        if ty.position(axis).is_some() {
            let value = self.b.index(value, axis, at);
            self.push(value, bounds);
        } else {
            let position = self.rng.random_range(0..=ty.axes.len());
            let value = self.b.place(value, axis, at, position);
            self.push(value, bounds.hull(Interval::new(0.0, 0.0)));
        }
        Some(())
    }

    fn stack(&mut self) -> Option<()> {
        let (a, b) = self.pick_pair()?;
        let (axis, size) = self.axes[self.rng.random_range(2..5)];
        let has = |g: &Self, at: usize| g.b.ty(g.pool[at].value).position(axis).is_some();
        if has(self, a) || has(self, b) {
            return None;
        }
        let ((a, p), (b, q)) = (self.take(a), self.take(b));
        let parts: Vec<ValueId> = (0..size).map(|i| if i % 2 == 0 { a } else { b }).collect();
        let rank = self.b.ty(a).axes.len().max(self.b.ty(b).axes.len());
        let position = self.rng.random_range(0..=rank);
        let value = self.b.stack(&parts, axis, position);
        self.push(value, p.hull(q));
        Some(())
    }

    fn contract(&mut self) -> Option<()> {
        let (a, b) = (self.pick(), self.pick());
        let (s, t) = (self.b.ty(self.pool[a].value).clone(), self.b.ty(self.pool[b].value).clone());
        if s.elem != t.elem {
            return None;
        }
        let common: Vec<AxisId> = s.axes.iter().copied().filter(|x| t.axes.contains(x)).collect();
        let over: Vec<AxisId> = common.into_iter().filter(|_| self.rng.random_bool(0.7)).collect();
        let mut rest: Vec<AxisId> = s.axes.iter().copied().filter(|x| !over.contains(x)).collect();
        rest.extend(t.axes.iter().copied().filter(|x| !over.contains(x) && !s.axes.contains(x)));
        if rest.len() > 4 {
            return None;
        }
        if self.rng.random_bool(0.5) {
            rest.reverse();
        }
        let n = over.iter().map(|&x| self.size(x)).product();
        let bounds = self.pool[a].bounds.product(self.pool[b].bounds).times(n).sane()?;
        let (a, b) = (self.take(a).0, self.take(b).0);
        let value = self.b.contract(a, b, &over, &rest);
        self.push(value, bounds);
        Some(())
    }

    fn results(&mut self) {
        let unused: Vec<ValueId> = self.pool.iter().filter(|e| !e.used).map(|e| e.value).collect();
        let mut loss = self.b.f64(0.0);
        for (i, value) in unused.into_iter().enumerate() {
            let double = self.b.convert(value, Elem::F64);
            let axes = self.b.ty(double).axes.clone();
            let sum = self.b.sum(double, &axes);
            loss = self.b.add(loss, sum);
            self.b.result(format!("r{i}"), value);
        }
        self.b.name(loss, "loss");
        self.b.result("loss", loss);
    }
}
