//! What stands behind `;` in a hole: `degree = 2`, `coefficients >= 0`.

use super::functions::each_part;
use super::resolve::Resolver;
use super::scope::Meaning;
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0402;
use crate::hir::Bounds;
use crate::source::Span;
use crate::syntax::ast::{self, Relation};

/// The highest degree of a polynomial hole and the most harmonics of a Fourier hole.
const MAX_DEGREE: usize = 100;

/// What the size of a library is called elsewhere, or of another library.
const SIZES: [&str; 12] = [
    "order",
    "power",
    "deg",
    "n",
    "modes",
    "degree",
    "harmonics",
    "max_degree",
    "maxdegree",
    "poly_order",
    "library_order",
    "n_frequencies",
];

/// The options of a hole.
pub(super) struct Options {
    /// `degree` or `harmonics`.
    pub(super) size: usize,
    pub(super) bounds: Bounds,
}

impl Resolver<'_, '_> {
    /// Reads the options of a hole; `size_option` is the name of the one that says how large it is.
    pub(super) fn options(&mut self, call: &ast::Call, size_option: Option<&'static str>) -> Option<Options> {
        let library = &call.function.name;
        let mut bounds = Bounds::FREE;
        let mut size = None;
        let mut ok = true;
        let mut seen: Vec<(&str, Relation, Span)> = Vec::new();
        for option in &call.named {
            // `?poly(x; 2)` is short for `?poly(x; degree = 2)`.
            let name = match (option.name.name.as_str(), size_option) {
                ("", Some(name)) => name,
                (name, _) => name,
            };
            if let ("", ast::ExprKind::Name(word)) = (option.name.name.as_str(), &option.value.kind)
                && size_option.into_iter().chain(["coefficients"]).any(|o| o == word)
            {
                let d = Diagnostic::error(E0402, format!("`{word}` has no value"), option.value.span, "of what size?");
                let form = if word == "coefficients" { "coefficients >= 0".to_string() } else { format!("{word} = 2") };
                self.sink.push(d.help(format!("write `{form}`")));
                ok = false;
                continue;
            }
            if option.name.name.is_empty() && self.is_argument(&option.value) {
                let text = self.sources.text(option.value.span);
                let message = format!("`{text}` is an argument, and behind `;` stand options");
                let d = Diagnostic::error(E0402, message, option.value.span, "not a number");
                let last = call.arguments.last().map(|a| a.span).filter(|_| call.named.len() == 1);
                let d = d.help(format!("arguments are separated by commas: `?{library}(..., {text})`"));
                self.sink.push(match last {
                    Some(last) => d.replace(Span { start: last.end, end: option.value.span.start, ..last }, ", "),
                    None => d,
                });
                ok = false;
                continue;
            }
            if let ("", Some((sign, bound))) = (option.name.name.as_str(), bound_meant(&option.value)) {
                let message = "bounds of coefficients hold at their ends";
                let d = Diagnostic::error(E0402, message, option.value.span, "without an equals sign");
                self.sink.push(d.help(format!("write `coefficients {sign} {}`", self.sources.text(bound))));
                ok = false;
                continue;
            }
            let first = seen.iter().find(|(n, r, _)| *n == name && *r == option.relation).map(|(_, _, place)| *place);
            seen.push((name, option.relation, option.name.span));
            if let Some(first) = first {
                let d = Diagnostic::error(E0402, format!("`{name}` is given twice"), option.name.span, "again here")
                    .help("leave one of them out");
                self.sink.push(d.label(first, "first here"));
                ok = false;
                continue;
            }
            let known = size_option.into_iter().chain(["coefficients", ""]).any(|o| o == name);
            // The value of what is no option is not blamed as well.
            let value = if known { self.constant(&option.value) } else { None };
            match (name, option.relation) {
                (_, Relation::Is) if Some(name) == size_option => {
                    let whole = value.filter(|v| v.fract() == 0.0 && *v >= 0.0 && *v <= MAX_DEGREE as f64);
                    if value.is_some() && whole.is_none() {
                        let message = format!("`{name}` is a whole number from 0 to {MAX_DEGREE}");
                        let d = Diagnostic::error(E0402, message, option.value.span, "out of range");
                        self.sink.push(d.help(format!("write `{name} = 2`")));
                    }
                    ok &= whole.is_some();
                    size = whole.map(|v| v as usize);
                }
                ("coefficients", Relation::AtLeast) => bounds.lower = value.unwrap_or(bounds.lower),
                ("coefficients", Relation::AtMost) => bounds.upper = value.unwrap_or(bounds.upper),
                ("coefficients", Relation::Is) => {
                    let message = "coefficients are unknown; they can only be bounded";
                    let d = Diagnostic::error(E0402, message, option.name.span, "not an equation");
                    self.sink.push(d.help("write `coefficients >= 0` or `coefficients <= 1`"));
                    ok = false;
                }
                (_, _) if Some(name) == size_option => {
                    let d =
                        Diagnostic::error(E0402, format!("`{name}` is set with `=`"), option.name.span, "not a bound");
                    self.sink.push(d.help(format!("write `{name} = 2`")));
                    ok = false;
                }
                _ => {
                    let message = match name.is_empty() {
                        true => format!("`?{library}` takes no number after `;`"),
                        false => format!("`?{library}` has no option `{name}`"),
                    };
                    let d = Diagnostic::error(E0402, message, option.name.span, "unknown option");
                    let meant = size_option.filter(|_| option.relation == Relation::Is && SIZES.contains(&name));
                    self.sink.push(d.help(match meant {
                        Some(size) => suggest::did_you_mean(size),
                        None => suggest::help("options", name, size_option.into_iter().chain(["coefficients"])),
                    }));
                    ok = false;
                }
            }
            ok &= value.is_some();
        }
        if bounds.lower > bounds.upper {
            let message = "no coefficient satisfies both bounds";
            let d = Diagnostic::error(E0402, message, call.function.span, "bounds contradict each other");
            let (low, high) = (crate::hir::number(bounds.upper), crate::hir::number(bounds.lower));
            self.sink.push(
                d.help(format!("write `coefficients >= {low}, coefficients <= {high}`, or leave one of them out")),
            );
            return None;
        }
        let default = if size_option == Some("degree") { 2 } else { 1 };
        ok.then(|| Options { size: size.unwrap_or(default), bounds })
    }
}

impl Resolver<'_, '_> {
    /// Whether what stands alone behind `;` is made of what changes with time, as arguments are.
    fn is_argument(&self, value: &ast::Expr) -> bool {
        let changes = |name: &str| {
            let meaning = self.scope.names.get(name).map(|entry| entry.meaning);
            name == "t" || matches!(meaning, Some(Meaning::State(_) | Meaning::Input(_) | Meaning::Let(_)))
        };
        let mut found = matches!(&value.kind, ast::ExprKind::Name(name) if changes(name));
        each_part(value, &mut |part| found |= self.is_argument(part));
        found
    }
}

/// The bound that `coefficients > 0` was meant to be, with an equal sign.
fn bound_meant(value: &ast::Expr) -> Option<(&'static str, Span)> {
    let ast::ExprKind::Binary { op, left, right } = &value.kind else { return None };
    let of_coefficients = matches!(&left.kind, ast::ExprKind::Name(name) if name == "coefficients");
    match op {
        ast::BinaryOp::Greater if of_coefficients => Some((">=", right.span)),
        ast::BinaryOp::Less if of_coefficients => Some(("<=", right.span)),
        _ => None,
    }
}
