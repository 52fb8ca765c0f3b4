//! Instructions. Operands stand in [`Inst::args`](super::Inst); an [`Op`] holds only what is not a value.

use super::AxisId;
use crate::base::SolvePrecision;

/// What an instruction does. `T[a, b]` writes a value of type T over the axes a and b.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The scalar `value`, rounded to the result's number type. No operand.
    Const(f64),
    /// Element-wise function. Operand and result have the same type.
    Unary(UnaryOp),
    /// Element-wise operator. Both operands and the result have the same type.
    Binary(BinaryOp),
    /// Element-wise whole power.
    Powi(i32),
    /// `cmp(arg0, arg1) ? arg2 : arg3`, element-wise; four operands of the same type.
    Select(CmpOp),
    /// Conversion to the result's number type, same axes.
    Convert,
    /// Repeats the operand along the axes it lacks: the operand's axes are a subsequence of the result's.
    Broadcast,
    /// The same numbers with the axes in another order.
    Transpose,
    /// The same memory under other axes of the same total size (row-major): joins neighbouring axes, splits one,
    /// or renames one. Sizes are checked when they are known, and at the call otherwise.
    Reshape,
    /// Sum over `axes`, which the result lacks.
    Sum(Vec<AxisId>),
    /// The part at position `at` of `axis` (of fixed size), which the result lacks.
    Index {
        /// The axis.
        axis: AxisId,
        /// The position.
        at: usize,
    },
    /// The operands, all of one type, side by side along the new fixed-size `axis`; its place is read off the result type.
    Stack(AxisId),
    /// Zero everywhere but at position `at` of the new `axis`, where it is the operand: the adjoint of [`Op::Index`].
    Place {
        /// The axis.
        axis: AxisId,
        /// The position.
        at: usize,
    },
    /// Sum of products over the axes in the list, which both operands have and the result lacks. Axes that both operands and
    /// the result have are batch axes. Every axis of the result is in at least one operand.
    Contract(Vec<AxisId>),
    /// The relaxed least-squares solve of a linear ODE system.
    ///
    /// Operands: coefficients `c[B1.., equation, time, state, order]`, right-hand side `rhs[B2.., equation, time]`, initial
    /// values `iv[B3.., start, state, given]` (`start`: the first steps given, `given`: derivatives given from 0 up), step size `h`
    /// (a scalar, over batch axes where samples have their own, with an axis of one size less than `time` after them where the steps differ, and
    /// `state` after that where the states' differ too). Result: `u[B.., time, state, order]`, B the union of the batch axes in the result's order; an operand
    /// without batch axes is shared by all samples. All in double precision; the sizes of `state`, `order`, `equation` and `given`
    /// are fixed.
    Solve(SolveScheme),
    /// Adjoint of [`Op::Solve`]: operands `c`, `rhs`, `iv`, `h`, `u` (the solve's result) and `u_adj`; four results, the adjoints of
    /// the first four operands with their types (summed over the batch axes they lack).
    SolveAdjoint(SolveScheme),
    /// Symmetric positive definite solve with a mask: operands `n[B.., k, k']`, `r[B.., k]`, `mask[B.., k]` (or without B) with ones and
    /// zeros. `k'` is another axis of the size of `k`. The result `x[B.., k]` solves `(M n M + I - M) x = M r` with `M = diag(mask)`: masked unknowns are zero.
    /// Only the symmetric part `(n + n') / 2` counts (callers pass symmetric matrices).
    SpdSolve,
    /// Adjoint of [`Op::SpdSolve`]: operands `n`, `mask`, `x` (the result) and `x_adj`; two results, `n_adj` and `r_adj`.
    /// With z the solution for `x_adj` in place of `r`: `r_adj = z` and `n_adj = -(z x' + x z') / 2`, which is symmetric.
    SpdSolveAdjoint,
}

/// The rows and weights of a relaxed solve: attributes that are not values.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveScheme {
    /// The time axis.
    pub time: AxisId,
    /// The axis of the states that are solved together.
    pub state: AxisId,
    /// The axis of derivatives kept, 0 to the highest.
    pub order: AxisId,
    /// The axis of the equations.
    pub equation: AxisId,
    /// The axis of the first steps that have initial values.
    pub start: AxisId,
    /// The axis of derivatives given at each of those steps.
    pub given: AxisId,
    /// Whether the central row is there.
    pub central: bool,
    /// One more unknown in all rows between time steps, and what pushes it: `gamma alpha` of arXiv 2402.13077.
    pub slack: Option<f64>,
    /// Weights of the equation, initial and smoothness rows.
    pub weights: [f64; 3],
    /// The arithmetic; operands and results have double precision in any case.
    pub precision: SolvePrecision,
}

impl SolveScheme {
    /// The batch axes of a step size over `axes`, and its own: none, that of the intervals where the steps differ, or this and `state` where
    /// the states' differ too; `batch` are the solution's.
    pub fn step_axes<'a>(&self, axes: &'a [AxisId], batch: &[AxisId]) -> (&'a [AxisId], &'a [AxisId]) {
        let own = match axes.last() {
            Some(last) if *last == self.state => 2,
            Some(last) if !batch.contains(last) => 1,
            _ => 0,
        };
        axes.split_at(axes.len().saturating_sub(own))
    }
}

/// Element-wise functions of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnaryOp {
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// Square root.
    Sqrt,
    /// `e^a`
    Exp,
    /// Natural logarithm.
    Ln,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Arc sine.
    Asin,
    /// Arc cosine.
    Acos,
    /// Arc tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// -1, 0 or 1 (0 at 0; NaN stays NaN).
    Sign,
}

impl UnaryOp {
    /// Every function, in the order of declaration.
    pub const ALL: [UnaryOp; 15] = [
        UnaryOp::Neg,
        UnaryOp::Abs,
        UnaryOp::Sqrt,
        UnaryOp::Exp,
        UnaryOp::Ln,
        UnaryOp::Sin,
        UnaryOp::Cos,
        UnaryOp::Tan,
        UnaryOp::Asin,
        UnaryOp::Acos,
        UnaryOp::Atan,
        UnaryOp::Sinh,
        UnaryOp::Cosh,
        UnaryOp::Tanh,
        UnaryOp::Sign,
    ];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            UnaryOp::Neg => "neg",
            UnaryOp::Abs => "abs",
            UnaryOp::Sqrt => "sqrt",
            UnaryOp::Exp => "exp",
            UnaryOp::Ln => "ln",
            UnaryOp::Sin => "sin",
            UnaryOp::Cos => "cos",
            UnaryOp::Tan => "tan",
            UnaryOp::Asin => "asin",
            UnaryOp::Acos => "acos",
            UnaryOp::Atan => "atan",
            UnaryOp::Sinh => "sinh",
            UnaryOp::Cosh => "cosh",
            UnaryOp::Tanh => "tanh",
            UnaryOp::Sign => "sign",
        }
    }
}

/// Element-wise operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BinaryOp {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a ^ b`
    Pow,
    /// The smaller; NaN if either is.
    Min,
    /// The larger; NaN if either is.
    Max,
}

impl BinaryOp {
    /// Every operator, in the order of declaration.
    pub const ALL: [BinaryOp; 7] =
        [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Pow, BinaryOp::Min, BinaryOp::Max];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "sub",
            BinaryOp::Mul => "mul",
            BinaryOp::Div => "div",
            BinaryOp::Pow => "pow",
            BinaryOp::Min => "min",
            BinaryOp::Max => "max",
        }
    }
}

/// Comparisons of [`Op::Select`]; false when an operand is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CmpOp {
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a == b`
    Eq,
}

impl CmpOp {
    /// Every comparison, in the order of declaration.
    pub const ALL: [CmpOp; 3] = [CmpOp::Lt, CmpOp::Le, CmpOp::Eq];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            CmpOp::Lt => "lt",
            CmpOp::Le => "le",
            CmpOp::Eq => "eq",
        }
    }
}
