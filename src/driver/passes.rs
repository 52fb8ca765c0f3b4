//! The passes from text to callable code, in order, on one page.
//!
//! 1. `syntax::parse`: text to tree
//! 2. `sema::analyze`: tree to checked program (names, terms, linear split, settings)
//! 3. `lower`: model to functions of the intermediate representation, with their adjoints (`autodiff`)
//! 4. `opt::optimize`: rewrites, run by the lowering on every function
//! 5. `kernel::lower`: functions to loop nests, products and solves on explicit buffers
//! 6. `codegen::host::compile`: loop nests to machine code; `codegen::cuda::generate`: whole programs to CUDA C++
//! 7. `runtime::Executable`: buffers and threads

use super::failure::Failure;
use super::session::Checked;
use crate::diagnostics::{Diagnostic, Severity, Sink, codes};
use crate::sema;
use crate::source::{FileId, Sources, Span, World};
use crate::syntax;
use crate::syntax::ast::Item;

/// Text to checked program.
pub fn check(file: FileId, world: &dyn World, overrides: &[String], sources: &mut Sources) -> Result<Checked, Failure> {
    let mut asked = Sink::new();
    let changes: Vec<sema::Override> =
        overrides.iter().filter_map(|o| sema::parse_override(o, sources, &mut asked)).collect();
    if asked.has_errors() {
        return Err(Failure::Override(asked.into_sorted()));
    }
    let mut sink = Sink::new();
    let text = sources.file(file).text.clone();
    let tree = syntax::parse(file, &text, &mut sink);
    let program = sema::analyze(&tree, world, &changes, sources, &mut sink);
    let findings = sink.into_sorted();
    match program {
        Some(program) => Ok(Checked { program, warnings: findings }),
        None => Err(failed(findings, &changes)),
    }
}

/// Text to checked program for commands that judge no tests: what is wrong in tests alone is no more than a warning, and the program has
/// none of them.
pub fn check_without_tests(
    file: FileId,
    world: &dyn World,
    overrides: &[String],
    sources: &mut Sources,
) -> Result<Checked, Failure> {
    let before = sources.clone();
    let found = match check(file, world, overrides, sources) {
        Err(Failure::Model(found)) => found,
        other => return other,
    };
    let text = before.file(file).text.clone();
    let mut tree = syntax::parse(file, &text, &mut Sink::new());
    let tests: Vec<Span> =
        tree.items.iter().filter_map(|i| if let Item::Test(t) = i { Some(t.span) } else { None }).collect();
    let in_a_test = |d: &Diagnostic| {
        // Behind a bracket without its partner nobody knows where the test ends.
        let ends = ![codes::E0103, codes::E0104].contains(&d.code);
        ends && tests.iter().any(|t| t.covers(d.primary.span))
    };
    if !found.iter().filter(|d| d.severity == Severity::Error).all(in_a_test) {
        return Err(Failure::Model(found));
    }
    *sources = before;
    tree.items.retain(|i| !matches!(i, Item::Test(_)));
    let (mut asked, mut sink) = (Sink::new(), Sink::new());
    let changes: Vec<sema::Override> =
        overrides.iter().filter_map(|o| sema::parse_override(o, sources, &mut asked)).collect();
    match sema::analyze(&tree, world, &changes, sources, &mut sink) {
        Some(program) => {
            // What only tests use is not unused, and they may be about a model as it is declared.
            let unused = [codes::W0702, codes::W0709];
            let known = sink.into_sorted().into_iter().filter(|d| !unused.contains(&d.code));
            let wrong = found.into_iter().filter(in_a_test).map(|d| Diagnostic { severity: Severity::Warning, ..d });
            let mut all = Sink::new();
            known.chain(wrong).for_each(|d| all.push(d));
            Ok(Checked { program, warnings: all.into_sorted() })
        }
        None => Err(failed(sink.into_sorted(), &changes)),
    }
}

/// Errors that lie in the overrides alone are wrong usage; all others are a wrong model.
fn failed(findings: Vec<Diagnostic>, changes: &[sema::Override]) -> Failure {
    let from_outside =
        |d: &&Diagnostic| changes.iter().any(|c| c.span.file == d.primary.span.file) || d.code.starts_with("E06");
    let errors: Vec<&Diagnostic> = findings.iter().filter(|d| d.severity == Severity::Error).collect();
    if !errors.is_empty() && errors.iter().all(from_outside) {
        return Failure::Override(findings);
    }
    Failure::Model(findings)
}

/// The syntax tree as text.
pub fn dump_ast(file: FileId, sources: &Sources) -> Result<String, Failure> {
    let mut sink = Sink::new();
    let tree = syntax::parse(file, &sources.file(file).text, &mut sink);
    if sink.has_errors() { Err(Failure::Model(sink.into_sorted())) } else { Ok(syntax::dump(&tree)) }
}
