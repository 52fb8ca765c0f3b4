//! A compiled model on a device with all that stays the same between the solves of the joint engine: times, inputs and steps are sent
//! once, a trajectory once for all that is evaluated along it, and what is evaluated on the way to a result stays there.

use crate::base::{Elem, TensorData};
use crate::runtime::{Callable, Collocated, Formula, Loaded, Move, RuntimeError, Sequence, Store, View};
use crate::train::joint::{Chain, Held};

/// Components, unknowns and inputs of a model, and rows of its linearisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub components: usize,
    pub unknowns: usize,
    pub inputs: usize,
    pub rows: usize,
}

/// The arrays, and the calls that make up each chain.
pub(super) struct Resident {
    store: Store,
    x: View,
    xi: View,
    /// The trajectory and the unknowns that are there.
    sent: [Vec<f64>; 2],
    defects: Steps,
    rows: Steps,
    correction: Steps,
}

/// Calls one after the other, and the arrays that are fetched.
#[derive(Default)]
struct Steps {
    sequence: Sequence,
    results: Vec<View>,
}

/// Times and inputs at which the model is evaluated.
struct Places {
    len: usize,
    t: View,
    input: View,
}

/// What chains are made of.
struct Maker<'a> {
    store: Store,
    field: &'a Callable,
    linearise: &'a Callable,
    sizes: Sizes,
    x: View,
    xi: View,
    h: View,
}

impl Resident {
    /// Sends what stays the same to where `program` is computed.
    pub fn new(
        program: &Loaded,
        (field, linearise): (&Callable, &Callable),
        sizes: Sizes,
        held: &Held,
    ) -> Result<Resident, RuntimeError> {
        let mut store = Store::beside(program)?;
        let (samples, links) = (held.samples.0.len(), held.h.len());
        let x = store.zeros(Elem::F64, &[sizes.components, samples])?;
        let xi = store.zeros(Elem::F64, &[sizes.unknowns])?;
        let h = store.add(TensorData::F64(held.h.clone()))?;
        let mut maker = Maker { store, field, linearise, sizes, x, xi, h };
        let at = maker.places(&held.samples)?;
        let middle = maker.places(&held.midpoints)?;
        let [later, earlier] = [maker.places(&held.shifted[0])?, maker.places(&held.shifted[1])?];
        let (n, x) = (sizes.components, maker.x.clone());

        let mut defects = Steps::default();
        let f = maker.field(&mut defects, &x, &at)?;
        let xm = maker.formula(&mut defects, Formula::Middle, &[&x, &f], &[n, links])?;
        let fm = maker.field(&mut defects, &xm, &middle)?;
        let out = maker.formula(&mut defects, Formula::Defect, &[&x, &f, &fm], &[links, n])?;
        defects.results.push(out);

        let mut rows = Steps::default();
        let f = maker.field(&mut rows, &x, &at)?;
        let xm = maker.formula(&mut rows, Formula::Middle, &[&x, &f], &[n, links])?;
        for (x, places) in [(&x, &at), (&xm, &middle)] {
            let entries = maker.linearisation(&mut rows, x, places)?;
            rows.results.push(entries);
        }

        let mut correction = Steps::default();
        let c = &mut correction;
        let f = maker.field(c, &x, &at)?;
        let mut sides = Vec::new();
        for (places, share) in [(&later, held.eps), (&earlier, -held.eps)] {
            let shifted = maker.formula(c, Formula::Shift { share }, &[&x, &f], &[n, samples])?;
            sides.push(maker.field(c, &shifted, places)?);
        }
        let sides: Vec<&View> = sides.iter().collect();
        let g = maker.formula(c, Formula::Slope { eps: held.eps }, &sides, &[n, samples])?;
        let low = maker.formula(c, Formula::Middle, &[&x, &f], &[n, links])?;
        let high = maker.formula(c, Formula::QuinticMiddle, &[&x, &f, &g], &[n, links])?;
        let (f_low, f_high) = (maker.field(c, &low, &middle)?, maker.field(c, &high, &middle)?);
        let out = maker.formula(c, Formula::Correction, &[&f, &g, &f_low, &f_high], &[links, n])?;
        correction.results.push(out);

        let Maker { store, x, xi, .. } = maker;
        Ok(Resident { store, x, xi, sent: [Vec::new(), Vec::new()], defects, rows, correction })
    }

    /// The results of a chain for a trajectory.
    pub fn chain(&mut self, what: Chain, x: &[f64], xi: &[f64]) -> Result<Vec<Vec<f64>>, RuntimeError> {
        for ((view, numbers), sent) in [(&self.x, x), (&self.xi, xi)].into_iter().zip(&mut self.sent) {
            let same = sent.len() == numbers.len() && sent.iter().zip(numbers).all(|(a, b)| a.to_bits() == b.to_bits());
            if !same {
                self.store.write(view, &TensorData::F64(numbers.to_vec()))?;
                numbers.clone_into(sent);
            }
        }
        let steps = match what {
            Chain::Defects => &mut self.defects,
            Chain::Rows => &mut self.rows,
            Chain::Correction => &mut self.correction,
        };
        steps.sequence.run(&mut self.store)?;
        steps.results.iter().map(|view| self.store.numbers(view)).collect()
    }
}

impl Maker<'_> {
    fn places(&mut self, (t, input): &(Vec<f64>, Vec<f64>)) -> Result<Places, RuntimeError> {
        let len = t.len();
        let shape = [self.sizes.inputs, len];
        let input = self.store.add(TensorData::F64(input.clone()))?;
        let input = input.part(0, &shape).ok_or_else(|| unlike("inputs"))?;
        Ok(Places { len, t: self.store.add(TensorData::F64(t.clone()))?, input })
    }

    /// The arguments of the model's functions, without those of size zero.
    fn arguments(&self, x: &View, at: &Places) -> Vec<View> {
        let mut out = vec![x.clone()];
        out.extend((self.sizes.unknowns > 0).then(|| self.xi.clone()));
        out.push(at.t.clone());
        out.extend((self.sizes.inputs > 0).then(|| at.input.clone()));
        out
    }

    fn field(&mut self, steps: &mut Steps, x: &View, at: &Places) -> Result<View, RuntimeError> {
        let f = self.store.zeros(Elem::F64, &[self.sizes.components, at.len])?;
        steps.sequence.call(self.field.again(), self.arguments(x, at), vec![f.clone()])?;
        Ok(f)
    }

    fn linearisation(&mut self, steps: &mut Steps, x: &View, at: &Places) -> Result<View, RuntimeError> {
        let entries = self.store.zeros(Elem::F64, &[self.sizes.rows, at.len])?;
        if self.sizes.rows > 0 {
            steps.sequence.call(self.linearise.again(), self.arguments(x, at), vec![entries.clone()])?;
        }
        Ok(entries)
    }

    /// A formula of these arrays, with the steps behind them where it takes them.
    fn formula(
        &mut self,
        steps: &mut Steps,
        formula: Formula,
        from: &[&View],
        shape: &[usize],
    ) -> Result<View, RuntimeError> {
        let out = self.store.zeros(Elem::F64, shape)?;
        let mut from: Vec<View> = from.iter().map(|&view| view.clone()).collect();
        if from.len() < formula.arity() {
            from.push(self.h.clone());
        }
        steps.sequence.moves(Move::Collocate(Collocated { formula, from, out: out.clone() }))?;
        Ok(out)
    }
}

fn unlike(what: &str) -> RuntimeError {
    RuntimeError::Move { reason: format!("{what} of a grid do not fit its times") }
}
