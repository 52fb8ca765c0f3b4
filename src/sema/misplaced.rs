//! Lists and subscripts where none can stand.

use super::resolve::{Place, Resolver};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0211;
use crate::hir::Expr;
use crate::source::Span;
use crate::syntax::ast;

impl Resolver<'_, '_> {
    /// A list where one value is needed: that of `0,5` is a number.
    pub(super) fn list_as_value(&mut self, span: Span) -> Option<Expr> {
        let d = Diagnostic::error(E0211, "a list stands where one value is needed", span, "not a value");
        // `?poly((x, y), 2)`
        let inside = self.sources.text(span).strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        if let Some(inside) = inside.filter(|_| self.place == Place::Hole) {
            let written = inside.to_string();
            let help = format!("write the arguments of a hole as they are: `{written}`");
            self.sink.push(d.help(help).replace(span, written));
            return None;
        }
        let help = "operations are of values: write them for each element, `(f - x, g - y)`; a list stands alone";
        self.sink.push(self.decimal_comma(d.help(help), span));
        None
    }

    /// `q'[i]`, and `x'[t]` of those who write the time out.
    pub(super) fn subscript_behind_primes(&mut self, of: &ast::Expr, at: &[ast::Expr], span: Span) -> Option<Expr> {
        if let [one] = at
            && self.sources.text(one.span) == "t"
        {
            let written = self.sources.text(of.span).to_string();
            let help = format!("what depends on the time is written without it: `{written}`");
            let d = Diagnostic::error(E0211, "a derivative has no subscript for the time", span, "not a value");
            self.sink.push(d.help(help).replace(span, written));
            return None;
        }
        self.misplaced("subscripts come before primes", span, "write `q[i]'`, not `q'[i]`")
    }
}
