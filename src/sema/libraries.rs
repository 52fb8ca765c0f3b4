//! Libraries of candidate terms: what `poly`, `terms`, `linear` and `fourier` make of their arguments.

use super::fold;
use super::product::Product;
use super::resolve::Resolver;
use super::scope::Meaning;
use super::std_paths::{self, Kind};
use super::suggest;
use super::term_text::TermText;
use crate::diagnostics::codes::{E0204, E0401, E0402, E0403};
use crate::diagnostics::{Among, Diagnostic};
use crate::hir::{BinaryOp, Bounds, Expr, Side, UnaryFn};
use crate::source::Span;
use crate::syntax::ast;

/// What a library offers before its terms have coefficients.
pub(super) struct Library {
    pub(super) products: Vec<Product>,
    /// The terms as the statement spells them; empty where they are spelled from their values.
    pub(super) spelled: Vec<String>,
    /// Which arguments each term is a product of.
    pub(super) factors: Vec<Vec<usize>>,
    pub(super) bounds: Bounds,
    /// Which sum of a ratio it is to be.
    pub(super) side: Option<Side>,
}

/// The libraries a hole can draw from.
pub(super) const LIBRARIES: [&str; 5] = ["poly", "linear", "terms", "fourier", "ratio"];
/// Words for all of them, or for what they are for.
const GENERAL: [&str; 13] = [
    "library",
    "lib",
    "libraries",
    "sindy",
    "candidates",
    "candidate",
    "basis",
    "dictionary",
    "features",
    "functions",
    "hole",
    "unknown",
    "any",
];
/// The most candidate terms of one hole.
const MAX_TERMS: usize = 10_000;

impl Resolver<'_, '_> {
    /// Says that there is no such library. As a side of `?ratio`, where no question mark stands, it may have been meant as a function.
    fn unknown_library(&mut self, call: &ast::Call, span: Span) {
        let (library, place) = (call.function.name.as_str(), call.function.span);
        let side = span.start == place.start;
        if side && let Some(function) = self.scope.functions.get(library) {
            if let ast::ExprKind::Call(inner) = &function.body.kind
                && !self.scope.callable().contains(&inner.function.name.as_str())
            {
                // It may well give a list.
                let (name, place) = (inner.function.name.as_str(), inner.function.span);
                let help = suggest::help_of_many(self.sink, "functions", name, self.scope.callable());
                let d = Diagnostic::error(E0204, format!("there is no function `{name}`"), place, "unknown");
                self.sink.push(d.help(help).missing_among(Among::Items, name));
                return;
            }
            let message = format!("`{library}` gives one value, and a side of `?ratio` is a library of terms");
            let d = Diagnostic::error(E0402, message, span, "one value");
            self.sink.push(d.help(format!("write `terms({})`", self.sources.text(span))));
            return;
        }
        let d = match side {
            true => {
                let known = LIBRARIES.into_iter().chain(self.scope.functions.keys().copied());
                let help = suggest::help_of_many(self.sink, "libraries and functions", library, known);
                let message = format!("there is no library or function `{library}`");
                Diagnostic::error(E0204, message, place, "unknown").help(help)
            }
            false => {
                let message = format!("there is no hole `?{library}`");
                let d = Diagnostic::error(E0401, message, place, "unknown kind of hole");
                match self.scope.names.get(library).map(|entry| entry.meaning) {
                    Some(Meaning::Hole(_)) => {
                        let help = "a hole with a name stands without question mark and parentheses";
                        d.help(format!("{help}: `{library}`")).replace(span, library)
                    }
                    // `?polynomial`, `?rational`: the word that the name is short for.
                    _ if let Some(path) = std_paths::path(Kind::Function, library) => {
                        let call = self.sources.text(span).trim_start_matches('?').trim_start();
                        d.help(format!("{}, and a hole of its terms is `?terms({call})`", std_paths::help(&path)))
                    }
                    _ if GENERAL.contains(&library.to_lowercase().as_str()) => d.help(format!(
                        "a hole says which library it draws from: `?terms(x, x*y)` lists candidate terms, `?poly(x, y; degree = 2)` takes all products; \
                         there are {}",
                        suggest::listed(LIBRARIES)
                    )),
                    _ => match LIBRARIES.iter().find(|known| library.to_lowercase().starts_with(**known)) {
                        Some(known) => d.help(suggest::did_you_mean(known)),
                        None => d.help(suggest::help("kinds", library, LIBRARIES)),
                    },
                }
            }
        };
        let among = if side { Among::Items } else { Among::Names };
        self.sink.push(d.missing_among(among, library));
    }

    /// The candidate terms of one library.
    pub(super) fn library(&mut self, call: &ast::Call, span: Span) -> Option<Library> {
        let library = call.function.name.as_str();
        if !LIBRARIES.contains(&library) {
            self.unknown_library(call, span);
            return None;
        }
        let taken_apart = self.arguments(&call.arguments);
        let arguments: Vec<Option<Expr>> = match &taken_apart {
            Some(list) => list.iter().map(|a| self.hole_argument(a)).collect(),
            None => vec![None],
        };
        let size_option = match library {
            "poly" => Some("degree"),
            "fourier" => Some("harmonics"),
            _ => None,
        };
        let options = self.options(call, size_option);
        if call.arguments.is_empty() {
            let d =
                Diagnostic::error(E0402, format!("`?{library}` needs at least one argument"), span, "nothing to use");
            self.sink.push(d.help(format!("write what the term may depend on: `?{library}(x, y)`")));
            return None;
        }
        let arguments = arguments.into_iter().collect::<Option<Vec<Expr>>>()?;
        let options = options?;
        let count = match library {
            "poly" => combinations(arguments.len(), options.size),
            "fourier" => arguments.len().saturating_mul(2 * options.size).saturating_add(1),
            _ => arguments.len(),
        };
        if count > MAX_TERMS {
            let shown = if count == usize::MAX { "far too many".to_string() } else { count.to_string() };
            let message = format!("this hole has {shown} candidate terms; at most {MAX_TERMS} are possible");
            let d = Diagnostic::error(E0403, message, span, "too large");
            self.sink.push(d.help("lower the degree or name fewer variables"));
            return None;
        }
        // In statements for many elements the terms keep the order of the arguments, so that they correspond.
        let repeated = self.is_repeated();
        let (mut factors, mut bases) = (Vec::new(), Vec::new());
        if library == "poly" {
            (bases, factors) = polynomial_factors(&arguments, options.size, !repeated);
        }
        let products = match library {
            "poly" => polynomial(&arguments, &bases, &factors),
            "fourier" => self.fourier(&arguments, options.size, span)?,
            _ => {
                factors = (0..arguments.len()).map(|i| vec![i]).collect();
                arguments.iter().map(Product::flatten).collect()
            }
        };
        if factors.is_empty() {
            factors = vec![Vec::new(); products.len()];
        }
        let texts: Vec<TermText> = match repeated {
            true => taken_apart.iter().flatten().map(|a| self.term_text(a)).collect(),
            false => Vec::new(),
        };
        let spelled = match library {
            _ if !repeated => Vec::new(),
            "poly" => monomials(texts.len(), options.size).iter().map(|m| TermText::product(&texts, m)).collect(),
            "fourier" => {
                let waves = texts.iter().flat_map(|text| (1..=options.size).flat_map(|k| text.waves(k)));
                std::iter::once("1".to_string()).chain(waves).collect()
            }
            _ => texts.into_iter().map(|text| text.behind_factor).collect(),
        };
        Some(Library { products, spelled, factors, bounds: options.bounds, side: None })
    }

    fn fourier(&mut self, arguments: &[Expr], harmonics: usize, span: Span) -> Option<Vec<Product>> {
        let mut out = vec![Product::one(span)];
        for argument in arguments {
            for k in 1..=harmonics {
                let k = Expr::number(k as f64, argument.span);
                let folded = fold::binary(BinaryOp::Mul, k, argument.clone(), argument.span);
                let angle = self.folded(folded)?;
                for f in [UnaryFn::Sin, UnaryFn::Cos] {
                    let folded = fold::unary(f, angle.clone(), argument.span);
                    out.push(Product::flatten(&self.folded(folded)?));
                }
            }
        }
        Some(out)
    }
}

/// The monomials of `n` variables by total degree, then lexicographically: which variables are multiplied.
fn monomials(n: usize, degree: usize) -> Vec<Vec<usize>> {
    let mut level: Vec<Vec<usize>> = vec![Vec::new()];
    let mut out = level.clone();
    for _ in 0..degree {
        let mut next = Vec::new();
        for monomial in &level {
            for i in monomial.last().copied().unwrap_or(0)..n {
                let mut longer = monomial.clone();
                longer.push(i);
                next.push(longer);
            }
        }
        out.extend(next.iter().cloned());
        level = next;
    }
    out
}

/// The arguments as products, and the monomials up to a degree: which arguments each is a product of. Terms are spelled with
/// factors in declaration order, so with `sorted` the variables take that order first.
fn polynomial_factors(arguments: &[Expr], degree: usize, sorted: bool) -> (Vec<Product>, Vec<Vec<usize>>) {
    let bases: Vec<Product> = arguments.iter().map(Product::flatten).collect();
    let mut order: Vec<usize> = (0..bases.len()).collect();
    if sorted {
        order.sort_by_key(|&i| bases[i].rank());
    }
    let named = |m: Vec<usize>| m.into_iter().map(|i| order[i]).collect();
    let all = monomials(bases.len(), degree).into_iter().map(named).collect();
    (bases, all)
}

/// The products that `factors` name.
fn polynomial(arguments: &[Expr], bases: &[Product], factors: &[Vec<usize>]) -> Vec<Product> {
    let Some(span) = arguments.first().map(|a| a.span) else { return Vec::new() };
    factors.iter().map(|m| m.iter().fold(Product::one(span), |p, &i| p.times(&bases[i]))).collect()
}

/// The number of monomials in `n` variables up to a degree, or `usize::MAX`.
fn combinations(n: usize, degree: usize) -> usize {
    let mut count: u128 = 1;
    for i in 1..=degree as u128 {
        // binomial(n + i, i) from binomial(n + i - 1, i - 1); exact at every step.
        count = count * (n as u128 + i) / i;
        if count > 1 << 60 {
            return usize::MAX;
        }
    }
    count as usize
}
