//! One slip, one error: words of good programs are misspelled one at a time.
//!
//! Every word of the good programs, the examples and the standard library that is not part of a comment or a text counts: keywords, names where
//! they are declared and where they are used, settings, units. A misspelled declaration makes every use wrong and is still one mistake.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mechc::diagnostics::{Diagnostic, Severity, Sink};
use mechc::sema;
use mechc::source::{FsWorld, Layered, MemoryWorld, Sources};
use mechc::syntax;

/// Of so many words one is tried; which of them differs from file to file.
const STRIDE: usize = 5;

/// The errors in a program that stands in `folder`.
fn errors(folder: &Path, text: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::default();
    let id = sources.add("a.mech", text);
    let mut sink = Sink::new();
    let text = sources.file(id).text.clone();
    let file = syntax::parse(id, &text, &mut sink);
    let library = sema::stdlib().iter().fold(MemoryWorld::new(), |w, (path, text)| w.with(*path, *text));
    let world = Layered { upper: library, lower: FsWorld::new(folder).expect("the folder of a program") };
    sema::analyze(&file, &world, &[], &mut sources, &mut sink);
    sink.into_sorted().into_iter().filter(|d| d.severity == Severity::Error).collect()
}

/// Where the words of a program stand, except those in comments and texts.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        if c == '/' && chars.peek().is_some_and(|n| n.1 == '/') {
            while chars.peek().is_some_and(|n| n.1 != '\n') {
                chars.next();
            }
        } else if c == '"' {
            while chars.next().is_some_and(|n| n.1 != '"') {}
        } else if c == '_' || c.is_alphabetic() {
            let mut end = at + c.len_utf8();
            while let Some(&(i, n)) = chars.peek().filter(|n| n.1 == '_' || n.1.is_alphanumeric()) {
                end = i + n.len_utf8();
                chars.next();
            }
            // The exponent of a number is no word.
            if !before.is_ascii_digit() {
                out.push((at, end));
            }
        }
        before = c;
    }
    out
}

/// The `.mech` files of a folder of this project, in order.
fn programs(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder of programs");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "mech"));
    paths.sort();
    paths
}

/// Misspells words of the programs in `folders`; what is said about each misspelled program, by its word, with its folder and text.
fn misspell(folders: &[&str], mut check: impl FnMut(&str, (&Path, &str), &[Diagnostic])) {
    let every = std::env::var_os("MECHC_EVERY_WORD").map_or(STRIDE, |_| 1);
    for (first, path) in folders.iter().flat_map(|f| programs(f)).enumerate() {
        let text = fs::read_to_string(&path).expect("a readable program");
        let folder = path.parent().expect("a folder");
        for (from, to) in words(&text).into_iter().skip(first % every).step_by(every) {
            let (word, name) = (&text[from..to], path.file_name().unwrap_or_default().to_string_lossy());
            let head = word.chars().next().map_or(0, char::len_utf8);
            let wrong = format!("{}{}q{}{}", &text[..from], &word[..head], &word[head..], &text[to..]);
            let line = 1 + text[..from].matches('\n').count();
            check(&format!("{name}:{line}: `{word}`"), (folder, &wrong), &errors(folder, &wrong));
        }
    }
}

/// The text with the suggestions of its errors taken one after the other, until none is left or there are no errors.
fn mended(folder: &Path, text: &str) -> (String, Vec<Diagnostic>) {
    let mut text = text.to_string();
    let mut found = errors(folder, &text);
    // Every use of a name is mended on its own.
    for _ in 0..100 {
        let main = found.first().map(|e| e.primary.span.file);
        let Some(edit) = found.iter().find_map(|e| e.suggestion.as_ref()).filter(|e| Some(e.span.file) == main) else {
            break;
        };
        let next = edit.apply(&text).expect("an edit of the text");
        assert_ne!(next, text, "a suggestion that changes nothing: {}", found[0].message);
        text = next;
        found = errors(folder, &text);
    }
    (text, found)
}

fn one_error_each(folders: &[&str], least: usize) {
    let (mut one, mut none, mut several) = (0, 0, Vec::new());
    let (mut suggested, mut taken, mut in_vain) = (0, 0, Vec::new());
    let mut helpless: BTreeMap<&str, String> = BTreeMap::new();
    misspell(folders, |place, (folder, text), found| match found {
        [] => none += 1,
        [error] => {
            one += 1;
            suggested += usize::from(error.suggestion.is_some());
            // Every fourth is taken: that takes a check for each place of the name.
            if error.suggestion.is_some() && suggested % 4 == 0 {
                taken += 1;
                let (_, left) = mended(folder, text);
                in_vain.extend(left.first().map(|left| format!("{place}: {}; then {}", error.message, left.message)));
            }
            // Where a setting has a form, the message shows it.
            if error.help.is_none() && !error.message.contains('`') {
                helpless.insert(error.code, format!("{place}: {}", error.message));
            }
        }
        _ => {
            let said: Vec<String> = found.iter().map(|e| format!("\n    {}: {}", e.code, e.message)).collect();
            several.push(format!("{place}: {} errors{}", found.len(), said.concat()));
        }
    });
    assert!(several.is_empty(), "{}", several.join("\n"));
    // Of names that differ in a letter the nearest may be the wrong one.
    assert!(
        in_vain.len() * 25 <= taken,
        "{} of {taken} suggestions mend nothing:\n{}",
        in_vain.len(),
        in_vain.join("\n")
    );
    assert!(suggested * 2 >= one, "{suggested} of {one} errors have a suggestion");
    assert!(helpless.is_empty(), "errors without a way out: {helpless:#?}");
    assert!(one >= least, "{one} words were misspelled, {none} of them without an error");
    // Nothing can be said of names that nobody uses, names of columns in files, and terms that a test looks for in vain.
    assert!(none * 20 <= one, "{none} slips of {} are not found", one + none);
}

#[test]
fn good_programs() {
    one_error_each(&["tests/good"], 800);
}

#[test]
fn examples_and_the_standard_library() {
    one_error_each(&["examples", "stdlib"], 800);
}

/// A program with every keyword, each where the grammar has it.
const KEYWORDS: &str = r#"use std.systems.Lorenz63
fn twice(x) = 2*x
unit acre = 4047 [m^2]
model M {
  time [s]
  index cell = 8 periodic spacing 0.1
  state x order 2, u[cell]
  param a = 1 in [0, 2] fixed
  param b = 1 per sample
  const c = 2
  input f
  field g over time init 0.5
  step per sample
  hole h = ?poly(x; degree = 2)
  let q = c*x
  fn local(y) = 3*y
  x'' = (if not x > 1 and f > 2 or x < 0 then a else b) + q + h + g + local(x)
  for i in cell { u[i]' = sum(k in 1..2) u[k] }
  initial x = data.x for first 50 steps
  initial u = data.u at last
  final x = 0
  boundary periodic
}
network net { input u over window; mlp [4]; output v over window }
data run = simulate M(a = 2) { steps 10; dt 0.1 }
data wave = formula { steps 10; dt 0.1; x = t }
solve known = M(a = 2) { steps 10; dt 0.1 }
fit M to run as law
predict tail = law { steps 10 }
test "all" {
  expect M.a ~= 1 within 1%
  expect snapshot equations of law
}
"#;

const WORDS: [&str; 45] = [
    "use", "fn", "unit", "model", "time", "index", "periodic", "spacing", "state", "order", "param", "in", "fixed",
    "per", "sample", "const", "input", "field", "over", "init", "step", "hole", "let", "if", "not", "and", "or",
    "then", "else", "for", "initial", "first", "at", "last", "final", "boundary", "network", "data", "simulate",
    "formula", "solve", "fit", "to", "as", "predict",
];
const WORDS_OF_TESTS: [&str; 5] = ["test", "expect", "within", "snapshot", "of"];

/// Slips that leave a word recognisable: two letters change places, one is missing, one is doubled.
fn slips(word: &str) -> Vec<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let last = letters.len() - 1;
    letters.swap(last - 1, last);
    let mut out = vec![letters.iter().collect()];
    if word.len() > 3 {
        out.push(word[..last].to_string());
        out.push(format!("{}{}", &word[..1], word));
    }
    out
}

/// Every keyword misspelled where it stands gives one error, which names the keyword.
#[test]
fn keywords() {
    let parse = |text: &str| {
        let mut sources = Sources::default();
        let id = sources.add("a.mech", text);
        let mut sink = Sink::new();
        syntax::parse(id, text, &mut sink);
        sink.into_sorted()
    };
    assert_eq!(parse(KEYWORDS), [], "the program itself is right");
    let mut wrong = Vec::new();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for (from, to) in words(KEYWORDS) {
        let word = &KEYWORDS[from..to];
        // Settings and their words are no part of the grammar.
        let line = KEYWORDS[..from].rsplit('\n').next().unwrap_or_default();
        let setting = line.starts_with("network") && !line.is_empty() || line.contains('{') && !line.contains("for i");
        let name = line.ends_with('.') || line.ends_with("boundary ") || KEYWORDS[to..].starts_with('.');
        if setting || name || !WORDS.iter().chain(&WORDS_OF_TESTS).any(|w| *w == word) {
            continue;
        }
        *tried.entry(word).or_default() += 1;
        for slip in slips(word).into_iter().filter(|slip| slip != word) {
            let found = parse(&format!("{}{slip}{}", &KEYWORDS[..from], &KEYWORDS[to..]));
            let near = format!("did you mean `{word}`?");
            if found.len() != 1 || found[0].help.as_deref() != Some(&near) {
                let said = found.iter().map(|e| format!("\n    {}: {} ({:?})", e.code, e.message, e.help));
                wrong.push(format!("`{slip}` for `{word}` after `{line}`: {}", said.collect::<String>()));
            }
        }
    }
    let untried: Vec<_> = WORDS.iter().chain(&WORDS_OF_TESTS).filter(|w| !tried.contains_key(*w)).collect();
    assert!(untried.is_empty(), "no place for {untried:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A keyword as the name of a state is one mistake, wherever the name stands.
#[test]
fn keywords_as_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut wrong = Vec::new();
    let mut refused = 0;
    for word in WORDS.iter().chain(&WORDS_OF_TESTS) {
        let text = format!(
            "model M {{\n  state x, {word}\n  x' = -{word}*x\n  {word}' = x\n  initial {word} = 1, x = 2\n}}\n\
             data run = simulate M {{ steps 10; dt 0.1 }}\n"
        );
        match errors(&folder, &text).as_slice() {
            [] => {}
            [error] if error.code == "E0115" && error.help.is_some() => refused += 1,
            several => wrong.push(format!("`{word}`: {:?}", several.iter().map(|e| &e.message).collect::<Vec<_>>())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused >= 15, "only {refused} words are refused");
}

/// Notations of other languages, with what the suggestions make of them. A line stands in a model with the states x and y, the parameter k,
/// the hole g and the index set cell; a text with `model` is a program of its own.
const ELSEWHERE: [(&str, &str); 100] = [
    ("state v = -1", "state v; initial v = -1"),
    ("state v = 1 + 2*3", "state v; initial v = 1 + 2*3"),
    ("state v(start = 1)", "state v; initial v = 1"),
    ("output q = 2*x", "let q = 2*x"),
    ("output x", ""),
    ("species v = 2", "state v; initial v = 2"),
    ("compartment c = 1", "const c = 1"),
    ("Real v(start = 1)", "state v; initial v = 1"),
    ("parameter Real c(min = 0, max = 2) = 1", "param c = 1 in [0, 2]"),
    ("real<lower=0> c", "param c"),
    ("param c = 1, min = 0, max = 2", "param c = 1 in [0, 2]"),
    ("param c(min = 0, max = 2) = 1", "param c = 1 in [0, 2]"),
    ("param c <lower = 0, upper = 2>", "param c in [0, 2]"),
    ("q := 2*x", "let q = 2*x"),
    ("equation", ""),
    ("end", ""),
    ("annotation(experiment(StopTime = 10))", ""),
    ("\\dot{x} = -k*x", "x' = -k*x"),
    ("\\ddot x = -k*x", "x'' = -k*x"),
    ("\\frac{dx}{dt} = -k \\cdot x", "x' = -k * x"),
    ("x' &= -k*x", "x' = -k*x"),
    ("x' = -k*x   (1)", "x' = -k*x"),
    ("der(x) ~ -k*x", "x' = -k*x"),
    ("initial x => 1", "initial x = 1"),
    ("x[0] == 1", "initial x = 1"),
    ("x'[t] == -k*x[t]", "x' = -k*x"),
    ("x' = x^{2}", "x' = x^2"),
    ("def f(a): return 2*a", "fn f(a) = 2*a"),
    ("f = lambda a: 2*a", "fn f(a) = 2*a"),
    ("param c: float = 1", "param c = 1"),
    ("x' = ?poly([x, y], 2)", "x' = ?poly(x, y; degree = 2)"),
    ("x' = ?poly((x, y); 2)", "x' = ?poly(x, y; 2)"),
    ("@parameters c", "param c"),
    ("param c \u{2208} [0, 1]", "param c in [0, 1]"),
    ("\"\"\"decay\"\"\"", "// decay"),
    ("parameters: c = 1", "param c = 1"),
    ("x' = -k*x**2 + y ** 3", "x' = -k*x^2 + y ^ 3"),
    ("const c = 0,5, d = 1,25", "const c = 0.5, d = 1.25"),
    ("param c = 0,5 in [0, 2]", "param c = 0.5 in [0, 2]"),
    ("x' = -0,5*x", "x' = -0.5*x"),
    ("x' = sin(0,5*x)", "x' = sin(0.5*x)"),
    ("x' = (0,5 + x)*y", "x' = (0.5 + x)*y"),
    ("dx/dt = -k*x", "x' = -k*x"),
    ("d(x)/dt = -k*x", "x' = -k*x"),
    ("d/dt x = -k*x", "x' = -k*x"),
    ("d/dt(x) = -k*x", "x' = -k*x"),
    ("d2x/dt2 = -k*x", "x'' = -k*x"),
    ("diff(x, t) = -k*x", "x' = -k*x"),
    ("xdot = -k*x", "x' = -k*x"),
    ("x_t = -k*x", "x' = -k*x"),
    ("\u{1e8b} = -k*x", "x' = -k*x"),
    ("x = -k*x", "x' = -k*x"),
    ("x' == -k*x", "x' = -k*x"),
    ("x' := -k*x", "x' = -k*x"),
    ("x\u{2019} = -k*x", "x' = -k*x"),
    ("x\u{2032} = \u{2212}k\u{b7}x\u{b2}", "x' = -k*x^2"),
    ("x' = if x > 1 && y > 1 then k else 0", "x' = if x > 1 and y > 1 then k else 0"),
    ("x' = if x>1&&y>1 then k else 0", "x' = if x>1 and y>1 then k else 0"),
    ("x' = if x > 1 || y > 1 then k else 0", "x' = if x > 1 or y > 1 then k else 0"),
    ("x' = if !(x > 1) then k else 0", "x' = if not (x > 1) then k else 0"),
    ("x' = if x <> 1 then k else 0", "x' = if x != 1 then k else 0"),
    ("x' = if x =< 1 then k else 0", "x' = if x <= 1 then k else 0"),
    ("x' = if 0 < x < 1 then k else 0", "x' = if 0 < x and x < 1 then k else 0"),
    ("x' = if x = 1 then k else 0", "x' = if x == 1 then k else 0"),
    ("x' = 2x", "x' = 2*x"),
    ("x' = x^2 y", "x' = x^2*y"),
    ("x' = (1 - x)y", "x' = (1 - x)*y"),
    ("x' = x(1 - y)", "x' = x*(1 - y)"),
    ("x' = sin x", "x' = sin(x)"),
    ("x' = np.sin(x) + Sin(y) + arctan(y)", "x' = sin(x) + sin(y) + atan(y)"),
    ("x' = PI*x + np.pi", "x' = pi*x + pi"),
    ("x' = poly(x; degree = 2)", "x' = ?poly(x; degree = 2)"),
    ("x' = ?g", "x' = g"),
    ("x' = ?poly(x; coefficients in [0, 1])", "x' = ?poly(x; coefficients >= 0, coefficients <= 1)"),
    ("param c = ?", "param c"),
    ("param c = 1 in (0, 2)", "param c = 1 in [0, 2]"),
    ("param c: 2", "param c = 2"),
    ("state v [cell]", "state v[cell]"),
    ("parameter c = 1", "param c = 1"),
    ("param c = 1 # of the rate", "param c = 1 // of the rate"),
    ("x' = 2 [m s-1]", "x' = 2 [m*s^-1]"),
    ("x' = if x>1and y<2 then k else 0", "x' = if x>1 and y<2 then k else 0"),
    ("x' = if x > 1 then 2 elseif x > 3 then 1 else 3", "x' = if x > 1 then 2 else if x > 3 then 1 else 3"),
    ("x' = if x > 1 then 2 elif x > 3 then 1 else 3", "x' = if x > 1 then 2 else if x > 3 then 1 else 3"),
    ("param c = -2 in -5..-1", "param c = -2 in [-5, -1]"),
    ("param c = 1 in 0..1e3/2", "param c = 1 in [0, 1e3/2]"),
    ("param c = 1 in (0, exp(1))", "param c = 1 in [0, exp(1)]"),
    ("param c = 1 in (0, exp(1)), d = 2", "param c = 1 in [0, exp(1)], d = 2"),
    ("param c [1/s] = ?", "param c [1/s]"),
    ("param c = ? in [0, 1]", "param c in [0, 1]"),
    ("param c = ?, d = 2", "param c, d = 2"),
    (
        "x' = ?poly(x; coefficients in (0, 1)) + max(k, 1)",
        "x' = ?poly(x; coefficients >= 0, coefficients <= 1) + max(k, 1)",
    ),
    ("initial x = np.exp(-(1 - 2)*(3))", "initial x = exp(-(1 - 2)*(3))"),
    ("initial x(0) = 1", "initial x = 1"),
    ("param c = 1..3, d", "param c in [1, 3], d"),
    ("param c [1/s] = 0.5 .. 2", "param c [1/s] in [0.5, 2]"),
    ("let x' = -k*x", "x' = -k*x"),
    ("x' = ?poly(x; degree 2)", "x' = ?poly(x; degree = 2)"),
    ("x' = ?poly(x; degree: 2, coefficients >= 0)", "x' = ?poly(x; degree = 2, coefficients >= 0)"),
    ("x' = sin{x}", "x' = sin(x)"),
];

/// Settings and options as they are written elsewhere, and here. [`program_with`] has them.
const OPTIONS: [(&str, &str); 12] = [
    ("simulate T(a: 3, b:2) { steps 9; dt 1 }", "simulate T(a = 3, b = 2) { steps 9; dt 1 }"),
    ("simulate T(a 3, b 2) { steps 9; dt 1 }", "simulate T(a = 3, b = 2) { steps 9; dt 1 }"),
    ("simulate T { steps: 9; dt 1 }", "simulate T { steps 9; dt 1 }"),
    ("simulate T { steps 9; dt 1; noise: 5% }", "simulate T { steps 9; dt 1; noise 5% }"),
    ("optimizer adam(lr: 0.1)", "optimizer adam(lr = 0.1)"),
    ("optimizer adam(lr : 0.1, decay:cosine)", "optimizer adam(lr = 0.1, decay = cosine)"),
    ("optimizer adam(lr 0.1)", "optimizer adam(lr = 0.1)"),
    ("optimizer adam(lr 0.1, decay cosine)", "optimizer adam(lr = 0.1, decay = cosine)"),
    ("optimizer adam(lr = 0.1, decay: cosine)", "optimizer adam(lr = 0.1, decay = cosine)"),
    ("optimizer adam{lr = 0.1, decay = cosine}", "optimizer adam(lr = 0.1, decay = cosine)"),
    ("optimizer adam{lr 0.1}", "optimizer adam(lr = 0.1)"),
    ("optimizer: adam(lr = 0.1)", "optimizer adam(lr = 0.1)"),
];

/// A program that a data source or a setting of a fit stands in.
fn program_with(part: &str) -> String {
    let (source, setting) = match part.starts_with("simulate") {
        true => (part, "seed 0"),
        false => ("simulate T { steps 40; dt 0.1 }", part),
    };
    format!(
        "model T {{ state x; param a = 1, b = 2; x' = a - b*x; initial x = 0 }}\n\
         model M {{ state x; param a per sample; x' = a - x }}\n\
         data d = {source}\n\
         network n {{ input x over window; mlp [4]; output a }}\n\
         fit M to d {{ engine gradient; window 5; parameters a = n.a; {setting} }}\n"
    )
}

#[test]
fn options_of_other_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut wrong = Vec::new();
    for (part, expected) in OPTIONS {
        let before = errors(&folder, &program_with(part));
        let (text, left) = mended(&folder, &program_with(part));
        if before.len() != 1 || text != program_with(expected) || !left.is_empty() {
            let said = |found: &[Diagnostic]| found.iter().map(|e| format!("\n    {}", e.message)).collect::<String>();
            wrong.push(format!("`{part}`:{}\nbecomes\n{text}with{}", said(&before), said(&left)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The suggestions for notations of other languages lead to programs that check, where nothing but the notation is wrong.
#[test]
fn notations_of_other_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut wrong = Vec::new();
    for (line, expected) in ELSEWHERE {
        let program = |line: &str| {
            let determined = |state: &str, order: &str| !(expected.starts_with(state) && expected.contains(order));
            let x = if determined("x'", "=") { "  x' = -k*x\n" } else { "" };
            let v = if expected.starts_with("state v") { "  v' = -v\n" } else { "" };
            let head = "model M {\n  index cell = 4\n  state x, y\n  param k = 1\n  hole g = ?poly(y)\n";
            format!("{head}  {line}\n{x}{v}  y' = -y*k + g\n}}\n")
        };
        let before = errors(&folder, &program(line));
        let (text, left) = mended(&folder, &program(line));
        let said = |found: &[Diagnostic]| found.iter().map(|e| format!("\n    {}", e.message)).collect::<String>();
        if before.len() != 1 || text != program(expected) {
            wrong.push(format!("`{line}`{} becomes\n{text}", said(&before)));
        } else if !left.is_empty() {
            wrong.push(format!("`{expected}` does not check:{}", said(&left)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a suggestion could change the meaning of a program there is none: what the statement is, and the suggestions it has.
const NOT_MEANT: [(&str, &[&str]); 14] = [
    ("x' = sin x ^2", &[]),
    ("x' = 1/2 y", &[]),
    ("x' = -x tanh(y)", &[]),
    ("x' = 2^k y", &[]),
    ("x' = -x/t'", &[]),
    ("x' = yy % kk", &[]),
    ("initial x (1 + 2*(3))", &[]),
    ("x' = (k*dy)/dt", &[]),
    ("x' = -dy/dt", &["-y'"]),
    ("x' = -k*dy/dt", &["-k*y'"]),
    ("x' = -k*y(t - 1)", &[]),
    ("x' = y!", &[]),
    ("x' = 2 [m/s s]", &[]),
    ("x' = y if x", &[]),
];

#[test]
fn suggestions_keep_what_is_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut wrong = Vec::new();
    for (line, expected) in NOT_MEANT {
        let text =
            format!("model M {{\n  state x, y\n  param k = 1, kk = 1\n  let yy = 2*y\n  {line}\n  y' = -k*y\n}}\n");
        let found = errors(&folder, &text);
        let suggested: Vec<&str> =
            found.iter().filter_map(|e| e.suggestion.as_ref().map(|s| s.replacement.as_str())).collect();
        // Where the statement determines `x`, nothing else is wrong.
        let alone = line.starts_with("initial") || found.len() == 1;
        if found.is_empty() || !alone || suggested != expected {
            wrong.push(format!("`{line}`: {suggested:?}, {:?}", found.iter().map(|e| &e.message).collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is to be written, where the words of a help show it: it is of the language, and means the same in its place.
const SHOWN: [(&str, &str); 14] = [
    ("x' = expm1(y)*2", "write `(exp(y) - 1)`"),
    ("x' = 1/cot(y)", "write `(1/tan(y))`"),
    ("x' = heaviside(y) + 3", "write `(if y > 0 then 1 else 0)`"),
    ("x' = expm1(y) + 2", "write `exp(y) - 1`"),
    ("x' = 9.81 m/s^-2", "a unit stands in brackets: `9.81 [m/s^-2]`"),
    ("x' = 9.81 mol/(L*s)", "a unit stands in brackets behind its number"),
    ("x' = ?ratio", "`?ratio(poly(x; degree = 2), poly(x; degree = 2))`"),
    ("x' = -y/t'", "`t`"),
    ("param c = ? + 1", ""),
    ("param c > 0", "`param c in [0, 10]`"),
    ("x' = 2 [m/s s]", "`[m/(s*s)]`"),
    ("x' = y if x > 1", "`if x > 1 then y else 0`"),
    ("x' = x > 1 ? y : -k*y", "`if x > 1 then y else -k*y`"),
    ("x' = ?ratio(y; y*x)", "`?ratio(linear(y), linear(1, y*x))`"),
];

#[test]
fn what_a_help_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut wrong = Vec::new();
    for (line, shown) in SHOWN {
        let text = format!("model M {{\n  state x, y\n  param k = 1\n  {line}\n  y' = -k*y\n}}\n");
        let found = errors(&folder, &text);
        let help = found.first().and_then(|e| e.help.as_deref()).unwrap_or_default();
        let edit = found.iter().any(|e| e.suggestion.is_some());
        if found.is_empty() || !help.contains(shown) || edit {
            wrong.push(format!("`{line}`: {help} ({edit})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
