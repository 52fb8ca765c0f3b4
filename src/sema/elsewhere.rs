//! Functions and numbers as other languages spell them, and what is written for them here.

use super::functions::DIFFERENCES;
use super::holes::degree_meant;
use super::leibniz::DERIVATIVES;
use super::libraries::LIBRARIES;
use super::resolve::{Place, Resolver};
use super::scope::Meaning;
use super::std_paths::{self, Kind};
use super::suggest::{self, did_you_mean};
use crate::diagnostics::codes::E0204;
use crate::diagnostics::{Advice, Among, Diagnostic, closest};
use crate::source::Span;
use crate::syntax::ast;

/// Other names of functions; letter case does not count.
const SPELLED: [(&str, &str); 19] = [
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("arctan", "atan"),
    ("arctg", "atan"),
    ("tg", "tan"),
    ("sh", "sinh"),
    ("ch", "cosh"),
    ("th", "tanh"),
    ("fabs", "abs"),
    ("absolute", "abs"),
    ("sgn", "sign"),
    ("signum", "sign"),
    ("sqroot", "sqrt"),
    ("root", "sqrt"),
    ("maximum", "max"),
    ("fmax", "max"),
    ("minimum", "min"),
    ("fmin", "min"),
    ("power", "pow"),
];

/// Functions that are formulas here: `_` stands for an argument that is a factor, `{}` for one as it is.
const FORMULAS: [(&str, &str); 27] = [
    ("log2", "ln({})/ln(2)"),
    ("ld", "ln({})/ln(2)"),
    ("log10", "ln({})/ln(10)"),
    ("lg", "ln({})/ln(10)"),
    ("log1p", "ln(1 + _)"),
    ("expm1", "exp({}) - 1"),
    ("exp2", "2^_"),
    ("exp10", "10^_"),
    ("sqr", "_^2"),
    ("square", "_^2"),
    ("cbrt", "_^(1/3)"),
    ("cot", "1/tan({})"),
    ("ctg", "1/tan({})"),
    ("sec", "1/cos({})"),
    ("csc", "1/sin({})"),
    ("sech", "1/cosh({})"),
    ("coth", "1/tanh({})"),
    ("asinh", "ln(_ + sqrt(_^2 + 1))"),
    ("arcsinh", "ln(_ + sqrt(_^2 + 1))"),
    ("acosh", "ln(_ + sqrt(_^2 - 1))"),
    ("arccosh", "ln(_ + sqrt(_^2 - 1))"),
    ("atanh", "ln((1 + _)/(1 - _))/2"),
    ("arctanh", "ln((1 + _)/(1 - _))/2"),
    ("sigmoid", "1/(1 + exp(-_))"),
    ("expit", "1/(1 + exp(-_))"),
    ("softplus", "ln(1 + exp({}))"),
    ("heaviside", "if _ > 0 then 1 else 0"),
];

/// Functions that choose between values.
const CONDITIONALS: [&str; 8] = ["ifelse", "if_else", "where", "piecewise", "iif", "cond", "select", "step"];
/// Random numbers and distributions.
const RANDOM: [&str; 10] =
    ["random", "rand", "randn", "normal", "uniform", "gauss", "gaussian", "lognormal", "Normal", "N"];

/// Functions that round, which have no derivative.
const ROUNDING: [&str; 7] = ["floor", "ceil", "round", "trunc", "mod", "fmod", "int"];

impl Resolver<'_, '_> {
    /// Says that there is no function of the name of `call`.
    pub(super) fn unknown_function(&mut self, call: &ast::Call, span: Span) {
        let name = call.function.name.as_str();
        let needs_index = DIFFERENCES.contains(&name) && call.arguments.first().is_some_and(|a| self.holds_broken(a));
        if needs_index {
            // Where its index set is missing, that has been reported.
            return;
        }
        let d = Diagnostic::error(E0204, format!("there is no function `{name}`"), call.function.span, "unknown");
        let d = match self.scope.names.get(name).map(|entry| entry.meaning) {
            Some(meaning) => self.called_name(d, meaning, call, span),
            None => {
                let d = d.help(self.function_meant(call, span));
                match self.derivative_called(call) {
                    Some(written) => d.replace(span, written),
                    None => d,
                }
            }
        };
        self.sink.push(d.missing_among(Among::Items, name));
    }

    /// A name that is no function with parentheses behind it.
    fn called_name(&self, d: Diagnostic, meaning: Meaning, call: &ast::Call, span: Span) -> Diagnostic {
        let name = call.function.name.as_str();
        let argument = match call.arguments.as_slice() {
            [one] => self.sources.text(one.span),
            _ => "",
        };
        match (meaning, argument) {
            (Meaning::State(_) | Meaning::Input(_), "t") => {
                d.help(format!("what depends on the time is written without it: `{name}`")).replace(span, name)
            }
            (Meaning::State(_), "0") if self.left == Some(span) => {
                let value = self.right.map_or("1", |right| self.sources.text(right));
                d.help(format!("a value at the start is declared: `initial {name} = {value}`"))
            }
            // `x(t = 0) = 1`
            (Meaning::State(_), "") if call.named.len() == 1 && self.left == Some(span) => {
                match self.start_meant(name, span) {
                    Some(Advice { text, instead }) => d.help(text).replace(span, instead.unwrap_or_default()),
                    None => d,
                }
            }
            (Meaning::State(_) | Meaning::Input(_) | Meaning::Let(_), _) if self.holds_time(call) => {
                d.help(format!("there are no delays: `{name}` is the value at the same time as all others"))
            }
            (Meaning::Hole(_), _) => {
                d.help(format!("a hole with a name is written without parentheses: `{name}`")).replace(span, name)
            }
            _ => {
                let end = call.function.span.end;
                let help = format!("`{name}` is not a function; multiplication is written `{name}*(...)`");
                d.help(help).replace(Span { start: end, end, ..call.function.span }, "*")
            }
        }
    }

    /// The derivative that `diff(x, t)`, `der(x)` and `D(x)` are of a state.
    fn derivative_called(&self, call: &ast::Call) -> Option<String> {
        let name = call.function.name.as_str();
        let first = call.arguments.first().map(|a| self.sources.text(a.span))?;
        let of_time = match call.arguments.get(1..) {
            Some([]) => true,
            Some([time]) => self.sources.text(time.span) == "t",
            _ => false,
        };
        let is_state = self.scope.states.values().any(|s| s.name == first);
        let is_derivative = DERIVATIVES.contains(&name) || name == "D" && self.scope.axes.is_empty();
        (of_time && is_state && is_derivative).then(|| format!("{first}'"))
    }

    /// What a function that is not there was meant to be.
    fn function_meant(&self, call: &ast::Call, span: Span) -> Advice {
        let name = call.function.name.as_str();
        let first = call.arguments.first().map_or("x", |a| self.sources.text(a.span));
        let second = call.arguments.get(1).map_or("y", |a| self.sources.text(a.span));
        let lower = name.to_lowercase();
        // `dydt(1) = -k*x`
        let derivative = name.starts_with('d') && (name.ends_with("dt") || name.len() == 2);
        if let Some(number) = first.parse::<usize>().ok().filter(|_| derivative && self.left == Some(span)) {
            let mut states = self.scope.states.values().map(|s| s.name.as_str());
            let state = states.nth(number.saturating_sub(1)).unwrap_or("x");
            return Advice::new(format!("an equation starts with the derivative of its state: `{state}' = ...`"));
        }
        if name == "sum" {
            return "a sum names its element: `sum(i in cell) u[i]`".into();
        }
        if LIBRARIES.contains(&name) {
            let text = self.sources.text(span);
            if self.place == Place::Hole {
                return Advice::new(format!("holes do not stand in holes; they are added: `?{text} + ?terms(...)`"));
            }
            if let Some(gone) = degree_meant(call) {
                let number = self.sources.text(gone).trim_start_matches([',', ' ']);
                let kept = self.sources.text(Span { end: gone.start, ..span });
                return Advice::new(format!(
                    "a hole, an unknown term, has a question mark, and what is no term is an option: `?{kept}; degree = {number})`"
                ));
            }
            return Advice::instead(
                format!("a hole, an unknown term, has a question mark: `?{text}`"),
                format!("?{name}"),
            );
        }
        let of_state = name == "D" && self.scope.states.values().any(|s| s.name == first);
        if DERIVATIVES.contains(&name) || of_state && self.scope.axes.is_empty() {
            return Advice::new(format!("a derivative with respect to time is written `{first}'`"));
        }
        if DIFFERENCES.contains(&name) {
            let over = "is of what stands over an index set with a spacing: `index cell = 50 spacing 0.1`";
            return format!("`{name}` {over}, `state u[cell]`").into();
        }
        if self.scope.callable().iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return suggest::help("functions", name, self.scope.callable());
        }
        if let Some((_, here)) = SPELLED.iter().find(|(other, here)| *other == lower && *here != "pow") {
            return did_you_mean(here);
        }
        if let Some((_, formula)) = FORMULAS.iter().find(|(other, _)| *other == lower) {
            let formula = formula.replace('_', &factor(first)).replace("{}", first);
            return match self.stands_in_operation(span, formula.starts_with("if")) {
                true => format!("write `({formula})`").into(),
                false => format!("write `{formula}`").into(),
            };
        }
        match lower.as_str() {
            "pow" | "power" => format!("a power is written `{}^{}`", factor(first), factor(second)).into(),
            "atan2" | "arctan2" => {
                let quotient = format!("{}/{}", factor(first), factor(second));
                format!("an angle between -pi/2 and pi/2 is written `atan({quotient})`").into()
            }
            "mod" | "fmod" | "rem" if call.arguments.len() == 2 => format!(
                "what repeats itself is written with `sin` or `cos`: `if sin(2*pi*{}/{}) > 0 then 1 else 0`",
                factor(first),
                factor(second)
            )
            .into(),
            "nn" | "net" | "ann" | "neural" | "neuralnet" | "unknown" | "neural_network" => {
                let arguments: Vec<&str> = call.arguments.iter().map(|a| self.sources.text(a.span)).collect();
                let arguments = arguments.join(", ");
                format!("what is not known is a hole, a sum of candidate terms: `?poly({arguments}; degree = 2)`, `?terms({arguments})`").into()
            }
            "laplacian" | "laplace" | "lap" | "d2" | "delta" => {
                format!("a second derivative over an index set with a spacing is `dxx({first})`: `index cell = 50 spacing 0.1`, `state u[cell]`").into()
            }
            "grad" | "gradient" | "div" => {
                format!("a derivative over an index set with a spacing is `dx({first})`: `index cell = 50 spacing 0.1`, `state u[cell]`").into()
            }
            "zeros" | "ones" | "zeros_like" => "states need no room that is set aside: leave the line out".into(),
            "c" | "array" | "list" | "vector" => {
                "numbers have names one by one: `param a = 0.1, b = 0.2`; a number for every trajectory is `per sample`".into()
            }
            _ if ROUNDING.contains(&lower.as_str()) => {
                "rounding has no derivative, so it is not part of the language; a jump is written `if x > 1 then 1 else 0`"
                    .into()
            }
            "clip" | "clamp" if call.arguments.len() == 3 => {
                let third = call.arguments.get(2).map_or("1", |a| self.sources.text(a.span));
                format!("write `min(max({first}, {second}), {third})`").into()
            }
            "ifelse" | "if_else" | "where" | "iif" | "cond" if call.arguments.len() == 3 => {
                let third = call.arguments.get(2).map_or("1", |a| self.sources.text(a.span));
                let written = format!("if {first} then {second} else {third}");
                let written = if self.stands_in_operation(span, true) { format!("({written})") } else { written };
                Advice::new(format!("a conditional is written `{written}`"))
            }
            _ if CONDITIONALS.contains(&lower.as_str()) => "a conditional is written `if x > 1 then 2 else 3`".into(),
            _ if RANDOM.contains(&name) => {
                "equations have no random numbers: what is noise is estimated from the data, and a parameter has a range, `param k = 1 in [0, 10]`"
                    .into()
            }
            "delay" | "lag" | "dde" => format!("there are no delays: `{first}` is the value at the same time as all others").into(),
            "integral" | "integrate" | "cumsum" => {
                format!("an integral is a state with an equation: `state total`, `total' = {first}`").into()
            }
            _ => match std_paths::path(Kind::Function, name) {
                Some(path) => std_paths::help(&path).into(),
                None if closest(name, self.scope.callable()).is_none()
                    && let Some(path) = std_paths::path_of_start(Kind::Function, name) =>
                {
                    std_paths::help_of_start(&path).into()
                }
                None => suggest::help_of_many(self.sink, "functions", name, self.scope.callable()),
            },
        }
    }

    /// Whether operators around `span` bind stronger than those of a formula in its place: of a conditional, also sums.
    fn stands_in_operation(&self, span: Span, conditional: bool) -> bool {
        let text = &self.sources.file(span.file).text;
        let before = text.get(..span.start as usize).and_then(|t| t.trim_end().chars().next_back());
        let after = text.get(span.end as usize..).and_then(|t| t.trim_start().chars().next());
        let sum = |c: char| conditional && matches!(c, '+' | '-');
        before.is_some_and(|c| matches!(c, '*' | '/' | '^' | '-') || sum(c))
            || after.is_some_and(|c| matches!(c, '*' | '/' | '^') || sum(c))
    }

    /// Whether the time stands in the arguments of `call`, and is not a name of the model's.
    fn holds_time(&self, call: &ast::Call) -> bool {
        fn holds(expr: &ast::Expr) -> bool {
            let mut found = matches!(&expr.kind, ast::ExprKind::Name(name) if name == "t");
            super::functions::each_part(expr, &mut |part| found |= holds(part));
            found
        }
        call.arguments.iter().any(holds)
    }

    /// Whether a name in `expr` has a declaration that has been reported.
    pub(super) fn holds_broken(&self, expr: &ast::Expr) -> bool {
        if let ast::ExprKind::Name(name) = &expr.kind {
            return self.scope.names.get(name.as_str()).is_some_and(|entry| matches!(entry.meaning, Meaning::Broken));
        }
        let mut found = false;
        super::functions::each_part(expr, &mut |part| found |= self.holds_broken(part));
        found
    }

    /// The numbers that have names elsewhere.
    pub(super) fn number_meant(&self, name: &str) -> Option<Advice> {
        match name {
            "e" => Some("the number e is `exp(1)`, and its powers are written `exp(x)`".into()),
            "E" if !self.scope.names.contains_key("e") => {
                Some("the number e is `exp(1)`, and its powers are written `exp(x)`".into())
            }
            "\u{3c0}" => Some(did_you_mean("pi")),
            "None" | "NULL" | "NA" | "NaN" | "nan" => {
                Some("a number that is to be estimated has no value: `param k`".into())
            }
            "True" | "true" | "TRUE" | "False" | "false" | "FALSE" => {
                Some("there are no truth values: conditions stand between `if` and `then`".into())
            }
            "dt" if !self.scope.names.contains_key("dt") => {
                Some("the step of the time has no name: an equation is one for a derivative, `x' = -x`".into())
            }
            "dW" | "dw" | "dB" | "dWt" => {
                Some("equations have no random terms: leave it out; what is noise is estimated from the data".into())
            }
            "time" => Some(Advice::instead("the time is `t`", "t")),
            "inf" | "Inf" | "infinity" | "Infinity" | "oo" => Some(Advice::instead(
                "numbers are finite: leave the range out, or write an end that is far enough, such as `1e6`",
                "1e6",
            )),
            _ => None,
        }
    }

    /// ` in [-inf, inf]` around its first `inf`: a range without ends is none.
    pub(super) fn range_without_ends(&self, name: &str, span: Span) -> Option<Span> {
        let text = &self.sources.file(span.file).text;
        let (before, behind) = (text.get(..span.start as usize)?, text.get(span.end as usize..)?);
        let low = before.trim_end().strip_suffix('-')?.trim_end().strip_suffix('[')?.trim_end().strip_suffix("in")?;
        let high = behind.trim_start().strip_prefix(',')?.trim_start();
        let rest =
            high.strip_prefix('+').unwrap_or(high).trim_start().strip_prefix(name)?.trim_start().strip_prefix(']')?;
        let end = text.len() - rest.len();
        let is_range = low.ends_with([' ', '\t']) && self.number_meant(name)?.instead? == "1e6";
        is_range.then_some(Span { start: low.trim_end().len() as u32, end: end as u32, ..span })
    }
}

/// `text` as a factor: in parentheses unless it is a name, a number or a call.
fn factor(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '.');
    let call = text
        .strip_suffix(')')
        .and_then(|t| t.split_once('('))
        .is_some_and(|(name, inside)| !name.is_empty() && name.chars().all(plain) && !inside.contains([')', '(']));
    if call || text.chars().all(plain) { text.to_string() } else { format!("({text})") }
}

#[cfg(test)]
mod tests {
    use super::factor;

    #[test]
    fn what_is_no_factor_gets_parentheses() {
        for (text, written) in [("x", "x"), ("x'", "x'"), ("2.5", "2.5"), ("f(x)", "f(x)"), ("a + b", "(a + b)")] {
            assert_eq!(factor(text), written);
        }
        assert_eq!(factor("f(x) + g(x)"), "(f(x) + g(x))");
        assert_eq!(factor("(a)*(b)"), "((a)*(b))");
    }
}
