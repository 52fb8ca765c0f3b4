//! The standard library: its files hold their own tests (closed solutions, conserved quantities, published periods, fixed
//! points), which are run here as `mechc test` runs them. Every system, function and network is tested, the tests notice when
//! an equation is wrong, and files that import from the library get nothing of them.

use std::fs;
use std::path::{Path, PathBuf};

use mechc::diagnostics::{Format, Levels};
use mechc::driver::{FileTests, Session, TestOptions, run_tests};
use mechc::sema;
use mechc::source::MemoryWorld;

/// Runs the tests of these files, which are written into a folder of their own.
fn tested(files: &[(&str, String)]) -> Vec<FileTests> {
    let folder = tempfile::tempdir().expect("a folder");
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| folder.path().join(path)).collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let options =
        TestOptions { filter: None, overrides: Vec::new(), update: false, levels: Levels::default(), threads: 2 };
    run_tests(&paths, &options)
}

/// What went wrong in a file, as text.
fn failures(file: &FileTests) -> Vec<String> {
    let name = file.path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match &file.outcomes {
        Ok(outcomes) => outcomes
            .iter()
            .flat_map(|o| o.failures.iter().map(move |f| format!("{name}: {}: {}", o.name, f.message)))
            .collect(),
        Err(failure) => {
            let shown = file.session.as_ref().map(|s| failure.render(s.sources(), Format::Short));
            vec![format!("{name}: {}", shown.unwrap_or_default())]
        }
    }
}

#[test]
fn every_test_of_the_library_passes() {
    let files: Vec<(&str, String)> = sema::stdlib().iter().map(|(path, text)| (*path, text.to_string())).collect();
    let results = tested(&files);
    let wrong: Vec<String> = results.iter().flat_map(failures).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let warned: Vec<&str> = results.iter().flat_map(|f| &f.warnings).map(|w| w.message.as_str()).collect();
    assert!(warned.is_empty(), "{warned:?}");
    let count: usize = results.iter().map(|f| f.declared).sum();
    assert!(count >= 45, "only {count} tests");
}

#[test]
fn everything_that_can_be_imported_is_tested() {
    let mut untested = Vec::new();
    let mut models = 0;
    for (path, text) in sema::stdlib().iter().filter(|(path, _)| *path != "std/systems.mech") {
        let declared = |keyword: &str| -> Vec<&str> {
            let lines = text.lines().filter_map(|l| l.strip_prefix(keyword));
            lines.filter_map(|l| l.split(|c: char| !c.is_alphanumeric() && c != '_').next()).collect()
        };
        // What stands in tests, and in the models that they fit.
        let expected: String = text.lines().filter(|l| l.starts_with("  ")).collect();
        for name in declared("model ") {
            models += usize::from(*path != "std/terms.mech" && *path != "std/networks.mech");
            let used = [format!("simulate {name} "), format!("simulate {name}("), format!("fit {name} ")];
            untested.extend((!used.iter().any(|u| text.contains(u))).then(|| format!("{path}: model {name}")));
        }
        for name in declared("fn ") {
            untested.extend((!expected.contains(&format!("{name}("))).then(|| format!("{path}: function {name}")));
        }
        for name in declared("network ") {
            let used = text.contains(&format!("= {name}.v"));
            untested.extend((!used).then(|| format!("{path}: network {name}")));
        }
    }
    // Functions that are tested in a fit, since they have no value outside an index set.
    untested.retain(|u| u != "std/terms.mech: function field_terms");
    assert!(untested.is_empty(), "{untested:?}");
    assert!(models >= 38, "{models} systems");
}

/// One mistake in every system and in functions of every kind: file, text, and what it becomes.
const MISTAKES: [(&str, &str, &str); 49] = [
    ("chaos", "x*(rho - z) - y", "x*(rho - z) + y"),
    ("chaos", "y' = x + a*y", "y' = x - a*y"),
    ("chaos", "alpha*(y - x - g)", "alpha*(y + x - g)"),
    ("chaos", "sin(y) - b*x", "sin(y) + b*x"),
    ("chaos", "(x2 - x7)*x8 - x1 + force", "(x2 - x7)*x8 + x1 + force"),
    ("chaos", "y'' = -y - x^2 + y^2", "y'' = -y - x^2 + 2*y^2"),
    ("cells", "vk [mV] = -12", "vk [mV] = -20"),
    ("cells", "a = 0.7, b = 0.8", "a = 0.8, b = 0.8"),
    ("cells", "d = 5, r = 0.006", "d = 6, r = 0.006"),
    ("cells", "param a = 1, k = 0.1", "param a = 2, k = 0.1"),
    ("cells", "alpha = 216", "alpha = 200"),
    ("cells", "a1 = 10, a2 = 10", "a1 = 9, a2 = 11"),
    ("chemistry", "p' = convert*c", "p' = 2*convert*c"),
    ("chemistry", "vmax*s/(km + s)", "vmax*s/(2*km + s)"),
    ("chemistry", "c' = fast*b^2", "c' = fast*b^2/2"),
    ("chemistry", "(b + 1)*x", "(b + 2)*x"),
    ("chemistry", "z' = x - z", "z' = 2*x - z"),
    ("chemistry", "a = 0.08, b = 0.6", "a = 0.08, b = 0.7"),
    ("populations", "n' = r*n*(1 - n/capacity)", "n' = 2*r*n*(1 - n/capacity)"),
    ("populations", "n' = r*n*ln(capacity/n)", "n' = 2*r*n*ln(capacity/n)"),
    ("populations", "w' = delta*u*w - gamma*w", "w' = 2*delta*u*w - gamma*w"),
    ("populations", "yield*eaten - death*w", "yield*eaten - 2*death*w"),
    ("populations", "i' = beta*s*i - gamma*i", "i' = 0.9*beta*s*i - gamma*i"),
    ("populations", "e' = beta*s*i - sigma*e", "e' = 0.9*beta*s*i - sigma*e"),
    ("populations", "mu*n/yield", "2*mu*n/yield"),
    ("oscillators", "omega^2*u = 0", "2*omega^2*u = 0"),
    ("oscillators", "k*q = 0", "2*k*q = 0"),
    ("oscillators", "(1 - x^2)*x' - x", "(1 - x^2)*x' - 2*x"),
    ("oscillators", "alpha = -1, beta = 1", "alpha = -1, beta = 2"),
    ("oscillators", "mu*y - y*r2", "mu*y - 2*y*r2"),
    ("mechanics", "-g/length*sin(theta)", "-2*g/length*sin(theta)"),
    ("mechanics", "theta'/q + sin(theta)", "theta'/q + cos(theta)"),
    ("mechanics", "(2*p2 - c*p1)", "(2*p2 + c*p1)"),
    ("mechanics", "(x^2 + y^2)^1.5", "(x^2 + y^2)^1.4"),
    ("mechanics", "x1'' = G*m2*(x2 - x1)/r3", "x1'' = 2*G*m2*(x2 - x1)/r3"),
    ("mechanics", "m1 = 1, m2 = 1, m3 = 1", "m1 = 1, m2 = 1, m3 = 1.1"),
    ("grids", "param k = 1", "param k = 1.1"),
    ("grids", "d*(u3 - 2*u2", "d*(u3 - 3*u2"),
    ("terms", "= (x*y, x*z, y*z)", "= (x*y, x*z, x*z)"),
    ("terms", "(5*x^3 - 3*x)/2", "(5*x^3 + 3*x)/2"),
    ("terms", "8*x^4 - 8*x^2 + 1", "8*x^4 - 8*x^2"),
    ("terms", "fn michaelis_menten(s, k) = s/(k + s)", "fn michaelis_menten(s, k) = s/(k + s^2)"),
    ("terms", "s/(k*(1 + i/ki) + s)", "s/(k*(2 + i/ki) + s)"),
    ("terms", "fn hill(x, k, n) = x^n/(k^n + x^n)", "fn hill(x, k, n) = x/(k^n + x^n)"),
    ("terms", "n*ln(c/n)", "n*ln(n/c)"),
    ("terms", "fn trig(x) = (sin(x), cos(x))", "fn trig(x) = (sin(x), sin(x + 1))"),
    ("terms", "v*abs(v)", "v*v"),
    ("terms", "s' = -vmax*michaelis_menten(s, km) - leak*s", "s' = -vmax*michaelis_menten(s, km) - 2*leak*s"),
    ("terms", "a' = 1 + pull*sin(b - a)", "a' = 1 + pull*sin(a - b)"),
];

#[test]
fn every_test_of_a_system_notices_a_mistake() {
    let mut spoiled: Vec<(&str, String)> = Vec::new();
    for (path, text) in sema::stdlib() {
        let name = Path::new(path).file_stem().and_then(|n| n.to_str()).expect("a name");
        let mut text = text.to_string();
        let mut changed = false;
        for (_, right, wrong) in MISTAKES.iter().filter(|(file, _, _)| *file == name) {
            assert!(text.contains(right), "{path} no longer has `{right}`");
            text = text.replacen(right, wrong, 1);
            changed = true;
        }
        if changed {
            spoiled.push((path, text));
        }
    }
    assert_eq!(spoiled.len(), 8);
    for file in tested(&spoiled) {
        let outcomes = file.outcomes.as_ref().unwrap_or_else(|_| panic!("{:?} does not run", failures(&file)));
        let blind: Vec<&str> = outcomes.iter().filter(|o| o.failures.is_empty()).map(|o| o.name.as_str()).collect();
        assert!(blind.is_empty(), "{}: these pass all the same: {blind:?}", file.path.display());
    }
}

#[test]
fn imports_take_nothing_else_along() {
    let library = "fn f(x) = 2*x\nmodel M { state x; x' = -f(x); initial x = 1 }\ndata run = simulate M { steps 9; dt 1 }\n\
                   fit M to run\ntest \"t\" { expect first(run.x) == 1 }\n";
    let main = "use lib.M\nuse lib.f\nuse std.chaos.Lorenz63\nuse std.terms.hills\nuse std.networks.smoother1\n\
                model N { state x; x' = f(x) + ?terms(hills(x, 1)) }\ndata mine = simulate M { steps 60; dt 0.1 }\n\
                data other = simulate Lorenz63 { steps 60; dt 0.1 }\n\
                test \"mine\" { expect count(mine.x) == count(other.x) }\n\
                fit N to mine { auxiliary x = smoother1.v }\n";
    // A test that cannot be read hurts nobody who imports the rest.
    let broken = library.replace("expect first", "expect ~= first");
    for library in [library, &broken] {
        let mut session = Session::new(MemoryWorld::new().with("lib.mech", library).with("main.mech", main));
        let checked = match session.check("main.mech", &[]) {
            Ok(checked) => checked,
            Err(failure) => panic!("{}", failure.render(session.sources(), Format::Short)),
        };
        let (program, names) = (&checked.program, |list: Vec<&str>| list.join(" "));
        assert_eq!(names(program.data.values().map(|d| d.name.as_str()).collect()), "mine other");
        assert_eq!(names(program.fits.values().map(|f| f.name.as_str()).collect()), "fit");
        assert_eq!(names(program.tests.iter().map(|t| t.name.as_str()).collect()), "mine");
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    }
}
