//! Right sides as Python that NumPy evaluates.

use super::ExportError;
use super::names::Table;
use super::rounding::float;
use crate::hir::{Compare, Exponent, Expr, ExprKind, Level, Notation, Piece, UnaryFn, fraction_of, number};

/// Python for numbers and arrays (`library: "np"`) or for symbols (`library: "sp"`).
pub(super) struct Python<'a> {
    pub(super) table: &'a Table,
    pub(super) symbolic: bool,
    /// How symbols write the derivative of a state; unused for numbers.
    pub(super) time: &'static str,
}

impl Python<'_> {
    fn call(&self, f: UnaryFn) -> &'static str {
        match (f, self.symbolic) {
            (UnaryFn::Abs, true) => "sp.Abs",
            (UnaryFn::Abs, false) => "np.abs",
            (UnaryFn::Sqrt, true) => "sp.sqrt",
            (UnaryFn::Sqrt, false) => "np.sqrt",
            (UnaryFn::Exp, true) => "sp.exp",
            (UnaryFn::Exp, false) => "np.exp",
            (UnaryFn::Ln, true) => "sp.log",
            (UnaryFn::Ln, false) => "np.log",
            (UnaryFn::Sin, true) => "sp.sin",
            (UnaryFn::Sin, false) => "np.sin",
            (UnaryFn::Cos, true) => "sp.cos",
            (UnaryFn::Cos, false) => "np.cos",
            (UnaryFn::Tan, true) => "sp.tan",
            (UnaryFn::Tan, false) => "np.tan",
            (UnaryFn::Asin, true) => "sp.asin",
            (UnaryFn::Asin, false) => "np.arcsin",
            (UnaryFn::Acos, true) => "sp.acos",
            (UnaryFn::Acos, false) => "np.arccos",
            (UnaryFn::Atan, true) => "sp.atan",
            (UnaryFn::Atan, false) => "np.arctan",
            (UnaryFn::Sinh, true) => "sp.sinh",
            (UnaryFn::Sinh, false) => "np.sinh",
            (UnaryFn::Cosh, true) => "sp.cosh",
            (UnaryFn::Cosh, false) => "np.cosh",
            (UnaryFn::Tanh, true) => "sp.tanh",
            (UnaryFn::Tanh, false) => "np.tanh",
            (UnaryFn::Sign, true) => "sp.sign",
            (UnaryFn::Sign, false) => "np.sign",
            (UnaryFn::Neg, _) => "-",
        }
    }
}

impl Notation for Python<'_> {
    type Error = ExportError;

    fn number(&self, value: f64) -> String {
        // SymPy reckons with integers exactly, NumPy does not.
        if self.symbolic { number(value) } else { float(value) }
    }

    fn multiple_of_pi(&self, above: u32, below: u32) -> Option<Piece> {
        Some(fraction_of(if self.symbolic { "sp.pi" } else { "np.pi" }, above, below))
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, ExportError> {
        Ok(match leaf {
            ExprKind::State(s, k) if self.symbolic && *k > 0 => {
                let state = self.table.leaf(&ExprKind::State(*s, 0)).text;
                Piece::atom(format!("{state}.diff({}, {k})", self.time))
            }
            leaf => self.table.leaf(leaf),
        })
    }

    fn function(&self, f: UnaryFn, a: Piece) -> Result<Piece, ExportError> {
        Ok(Piece::atom(format!("{}({})", self.call(f), a.text)))
    }

    fn extreme(&self, larger: bool, a: Piece, b: Piece) -> Result<Piece, ExportError> {
        let function = match (larger, self.symbolic) {
            (false, true) => "sp.Min",
            (true, true) => "sp.Max",
            (false, false) => "np.minimum",
            (true, false) => "np.maximum",
        };
        Ok(Piece::atom(format!("{function}({}, {})", a.text, b.text)))
    }

    fn power(&self, base: Piece, exponent: Exponent) -> Result<Piece, ExportError> {
        let base = self.within(&base, Level::Atom);
        let exponent = match exponent {
            Exponent::Whole(n) if n < 0 => format!("({n})"),
            Exponent::Whole(n) => n.to_string(),
            Exponent::Real(piece) => self.within(&piece, Level::Atom),
        };
        Ok(Piece::new(format!("{base}**{exponent}"), Level::Power))
    }

    fn select(&self, compare: Compare, pieces: [Piece; 4], _: &[Expr; 4]) -> Result<Piece, ExportError> {
        let [a, b, x, y] = pieces.map(|p| p.text);
        // Branches that are integers alone would be an array of integers, also in what SymPy makes of them for NumPy.
        let [x, y] = [x, y].map(|text| if text.parse::<i128>().is_ok() { text + ".0" } else { text });
        Ok(Piece::atom(match (self.symbolic, compare) {
            // `==` compares symbols at once.
            (true, Compare::Equal) => format!("sp.Piecewise(({x}, sp.Eq({a}, {b})), ({y}, True))"),
            (true, compare) => format!("sp.Piecewise(({x}, {a} {} {b}), ({y}, True))", compare.name()),
            (false, compare) => format!("np.where({a} {} {b}, {x}, {y})", compare.name()),
        }))
    }
}
