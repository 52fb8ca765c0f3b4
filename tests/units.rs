//! Units of measure: their algebra and spelling, inference, conversion of data, and the units that a fit prints.

mod common;

use std::fs;

use common::{folder, mechc, run_in};
use mechc::base::Ratio;
use mechc::data::{ColumnMap, Conversion, Format, ReadSpec, read_bytes};
use mechc::diagnostics::{self, Sink};
use mechc::driver::Session;
use mechc::hir::{Model, Unit, known_unit};
use mechc::source::{MemoryWorld, Sources};
use mechc::{sema, syntax};

/// The last model of a program without errors.
fn model(text: &str) -> Model {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("m.mech", text);
    let tree = syntax::parse(id, text, &mut sink);
    let program = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink);
    let found = sink.into_sorted();
    let said = diagnostics::render(&found, &sources, diagnostics::Format::Short);
    let program = program.unwrap_or_else(|| panic!("{text}\n{said}"));
    program.models.values().last().expect("a model").clone()
}

/// The unit of `x` when it is declared as `written`.
fn unit(written: &str) -> Unit {
    let model = model(&format!("model M {{ state x [{written}]; x' = 0 }}"));
    model.units.states.first().cloned().flatten().expect("a unit")
}

#[test]
fn fractions_stay_in_lowest_terms() {
    assert_eq!(Ratio::new(2, -4), Ratio::new(-1, 2));
    assert_eq!(Ratio::new(1, 3).plus(Ratio::new(1, 6)), Ratio::new(1, 2));
    assert_eq!(Ratio::new(2, 3).times(Ratio::new(3, 4)), Ratio::new(1, 2));
    assert_eq!(Ratio::new(-2, 3).inverse(), Ratio::new(-3, 2));
    assert_eq!(Ratio::new(1, 0), Ratio::ZERO);
    for (value, num, den) in [(0.75, 3, 4), (1.0 / 3.0, 1, 3), (-2.0, -2, 1), (0.713, 713, 1000)] {
        assert_eq!(Ratio::of(value), Some(Ratio::new(num, den)), "{value}");
    }
    assert_eq!(Ratio::of(std::f64::consts::PI), None);
}

#[test]
fn definitions_of_units_agree_with_each_other() {
    let same = [
        ("N", "kg*m/s^2"),
        ("J", "V*A*s"),
        ("F", "C/V"),
        ("Ohm", "1/S"),
        ("Ω", "V/A"),
        ("H", "Wb/A"),
        ("T", "Wb/m^2"),
        ("lx", "lm/m^2"),
        ("Gy", "J/kg"),
        ("M", "mol/L"),
        ("mM", "mol/m^3"),
        ("kat", "mol/s"),
        ("L", "dm^3"),
        ("ha", "hm^2"),
        ("t", "Mg"),
        ("bar", "hPa*km/m"),
        ("mS*mV", "uA"),
        ("uF*mV/ms", "uA"),
        ("%", "1/hm*m"),
        ("yr", "365.25"),
    ];
    for (a, b) in same {
        match b.parse::<f64>() {
            Ok(days) => assert_eq!(unit(a).in_units_of(&unit("d")), Some(days), "{a}"),
            Err(_) => assert!(unit(a).equals(&unit(b)), "{a} is {b}"),
        }
    }
    assert_eq!(unit("km").in_units_of(&unit("m")), Some(1000.0));
    assert_eq!(unit("deg").in_units_of(&unit("rad")), Some(std::f64::consts::PI / 180.0));
    assert_eq!(unit("m").in_units_of(&unit("s")), None);
    assert!(!unit("km").equals(&unit("m")), "sizes differ");
    // 1 Da and 1 eV by the SI Brochure.
    assert_eq!(unit("eV").in_units_of(&unit("J")), Some(1.602_176_634e-19));
    assert!(known_unit("ft").is_none() && known_unit("sec").is_none() && known_unit("kmin").is_none());
}

#[test]
fn units_are_spelled_as_they_are_read() {
    for (written, spelled) in [
        ("m", "m"),
        ("1", "1"),
        ("kg*m/s^2", "kg*m/s^2"),
        ("m/s/s", "m/s^2"),
        ("1/m^2/s", "1/(m^2*s)"),
        ("m^(1/2)*s^-1", "m^(1/2)/s"),
        ("(kg/m)^2", "kg^2/m^2"),
        ("uM/min", "uM/min"),
        ("V/Hz^(1/2)", "V/Hz^(1/2)"),
        ("m*s/m", "s"),
        ("N/(kg*m/s^2)", "1"),
        ("%", "%"),
        ("rad/s", "rad/s"),
    ] {
        let first = unit(written);
        assert_eq!(first.to_string(), spelled, "{written}");
        let again = unit(spelled);
        assert!(again.equals(&first), "{spelled}");
        assert_eq!(again.to_string(), spelled);
    }
}

#[test]
fn a_number_beside_a_quantity_keeps_no_radians_of_the_other_side() {
    let (acceleration, length, rate) = (unit("rad*m/s^2"), unit("m"), unit("rad/s"));
    assert_eq!(acceleration.beside(&length).to_string(), "m/s^2");
    assert_eq!(acceleration.beside(&rate).to_string(), "rad*m/s^2", "the other side counts its angles");
    assert_eq!(rate.beside(&Unit::one()).to_string(), "rad/s");
}

#[test]
fn what_no_declaration_says_follows_from_the_equations() {
    let cases = [
        // One equation gives one unit.
        ("time [s]; state x [m]; param k; x' = -k*x", "k", "1/s"),
        ("time [yr]; state x [1/km^2]; param a, b; x' = a*x - b*x^2", "b", "km^2/yr"),
        // The time, from a speed.
        ("state x [m], v [m/s]; x' = v; v' = -v*k; param k", "k", "1/s"),
        // Through a `let`, a constant and a function.
        ("time [s]; state x [m]; param k; const c [kg] = 2; let f = k*x; fn g(y) = y/c; x'' = -g(f)", "k", "kg/s^2"),
        // From the other side of a comparison, a branch, a smallest value.
        ("time [s]; state x [m]; param k; x' = if x > k then 0 else -x/2 [s]", "k", "m"),
        ("time [s]; state x [m]; param k; x' = if x > 1 then k else 0", "k", "m/s"),
        ("time [s]; state x [m]; param k; x' = min(k, 3 [m/s])", "k", "m/s"),
        // Two steps: k from the first equation, c from the second.
        ("time [s]; state x [m], y [kg]; param k, c; x' = -k*x; y' = k*c*x", "c", "kg/m"),
        // Roots and fractions.
        ("time [s]; state x [m]; param k; x' = k*sqrt(x)", "k", "m^(1/2)/s"),
        ("time [s]; state x [m]; param k; const n = 2/3; x' = k*x^n", "k", "m^(1/3)/s"),
        // The argument of a function is a plain number.
        ("time [s]; state x [m]; param k = 1; x' = exp(-k*x)*2 [m/s]", "k", "1/m"),
        // A number in a sum that is a factor, an argument or the value of a `let` is a plain one, and through a function, too.
        ("time [s]; state x [m]; param r, K; x' = r*x*(1 - x/K)", "K", "m"),
        ("time [s]; state x [m]; param r, K; x' = r*x*(1 - x/K)", "r", "1/s"),
        ("time [s]; state x [m]; param a, h; x' = a*x/(1 + h*x)", "h", "1/m"),
        ("time [s]; state x [m]; param r, K; let free = 1 - x/K; x' = r*x*free", "r", "1/s"),
        ("time [s]; state x [m]; param r, K; fn free(y) = 1 - y/K; x' = r*x*free(x)", "K", "m"),
        ("time [s]; state x [m]; param r [1/s] = 2 fixed, K; x' = r*?linear(x*(1 - x/K))", "K", "m"),
        ("time [s]; state x [m]; param r, K; x' = r*x*(1 - (x/K)^2)", "K", "m"),
        // Unless something else tells the unit, also later in the text.
        ("time [s]; state x [m], y [m]; param r, K; x' = r*(1 - x/K); y' = r/1 [s]", "K", "s*m"),
        // A sum that is a side, a branch or a smallest value has the unit of the other side.
        ("time [s]; state x [m], y; param K; x' = -x/2 [s]; y' = 1 - K*x", "K", "?"),
        ("time [s]; state x [m], y; param K; x' = -x/2 [s]; y' = max(1 - K*x, 0)", "K", "?"),
        ("time [s]; state x [m], y; param K; x' = -x/2 [s]; y' = if 1 + K*x > y then 1 else 0", "K", "?"),
        // Branches that are numbers take the unit of the other side, and what chooses between them is looked at.
        ("time [s]; state x [m], y [kg]; param K; x' = if x > K then 1 else 0; y' = 0", "K", "m"),
        // What stays open.
        ("time [s]; state x [m]; param k, c; x' = k*c*x", "k", "?"),
        ("time [s]; state x; param k = 1; x' = -k*x", "k", "1/s"),
    ];
    for (body, name, expected) in cases {
        let model = model(&format!("model M {{ {body} }}"));
        let found = model.params.iter().find(|(_, p)| p.name == name).and_then(|(id, _)| model.units.param(id));
        assert_eq!(found.map_or("?".to_string(), Unit::to_string), expected, "{body}");
    }
}

#[test]
fn coefficients_have_the_unit_of_their_place_over_that_of_their_term() {
    let cases: [(&str, &[&str]); 5] = [
        // Arguments out of the order of declaration: terms are sorted, and so are their units.
        (
            "time [s]; state x [m], v [m/s]; v' = ?poly(v, x; degree = 2); x' = v",
            &["m/s^2", "1/s^2", "1/s", "1/(m*s^2)", "1/(m*s)", "1/m"],
        ),
        ("time [s]; state x [m]; x' = exp(-t/2 [s])*?terms(1, x/3 [m], sin(x/2 [m]))", &["m/s", "m/s", "m/s"]),
        ("time [s]; state x [rad]; x' = ?fourier(x)", &["rad/s", "rad/s", "rad/s"]),
        ("time [s]; state x [m], c [kg]; x' = tanh(?linear(x, c))*1 [m/s]; c' = 0", &["1/m", "1/kg"]),
        ("time [s]; state x [m]; x' = ?ratio(poly(x; 1), poly(x; 2))", &["m/s", "1/s", "1/m", "1/m^2"]),
    ];
    for (body, expected) in cases {
        let model = model(&format!("model M {{ {body} }}"));
        let found: Vec<String> =
            model.units.unknowns.iter().map(|u| u.as_ref().map_or("?".to_string(), Unit::to_string)).collect();
        assert_eq!(found, expected, "{body}");
    }
    // Every element of a tuple has coefficients of its own.
    let pair = model("model M { time [s]; state x [m], c [kg]; (x, c)' = ?linear(x, c) }");
    let found: Vec<String> = pair.units.unknowns.iter().flatten().map(Unit::to_string).collect();
    assert_eq!(found, ["1/s", "m/(kg*s)", "kg/(m*s)", "1/s"]);
}

#[test]
fn models_without_units_are_not_looked_at() {
    let plain = model("model M { state x, v; x' = v + x + exp(x); v' = x }");
    assert_eq!(plain.units, mechc::hir::Units::default());
}

#[test]
fn the_layout_keeps_units_and_their_blanks() {
    let text = "unit  hare\nunit furlong=201.168  [m]\nmodel M {\n  time  [d]\n  index cell=3 periodic spacing 0.1 [m]\n  \
                state u[cell]  [hare/furlong^2] order 1,w [m^( -1/2 )]\n  param k [1/d]=1 in [0,2 [1/d]]\n  u'=-k*u\n  \
                w'=2 [m^-1]*0\n}\ndata d=csv(\"a.csv\"){ time t  [yr];u = hares [1/km^2] }\n";
    let expected = "unit hare\nunit furlong = 201.168 [m]\nmodel M {\n  time [d]\n  index cell = 3 periodic spacing 0.1 [m]\n  \
                    state u[cell] [hare/furlong^2] order 1, w [m^(-1/2)]\n  param k [1/d] = 1 in [0, 2 [1/d]]\n  u' = -k*u\n  \
                    w' = 2 [m^-1]*0\n}\ndata d = csv(\"a.csv\") { time t [yr]; u = hares [1/km^2] }\n";
    let mut sources = Sources::default();
    let file = sources.add("m.mech", text);
    let mut sink = Sink::new();
    let laid_out = syntax::format(file, text, &mut sink).expect("a program that can be read");
    assert_eq!(laid_out, expected);
    assert_eq!(syntax::format(file, &laid_out, &mut sink).as_deref(), Some(expected));
    let trees = [text, expected].map(|t| syntax::dump(&syntax::parse(file, t, &mut sink)));
    assert_eq!(trees[0], trees[1]);
    assert!(trees[0].contains("(k [d^-1] = 1.0 in 0.0 (unit 2.0 [d^-1]))"), "{}", trees[0]);
}

#[test]
fn columns_are_converted_when_they_are_read() {
    let rows: String = (0..8).map(|i| format!("{i},{},{}\n", i as f64 * 0.5, 20.0 + f64::from(i))).collect();
    let text = format!("h,km,celsius\n{rows}");
    let map = |name: &str, column: &str, factor: f64, offset: f64| ColumnMap {
        conversion: Conversion { factor, offset },
        ..ColumnMap::new(name, column)
    };
    let spec = ReadSpec {
        columns: vec![map("x", "km", 1000.0, 0.0)],
        inputs: vec![map("T", "celsius", 1.0, 273.15)],
        time: Some("h".to_string()),
        time_factor: 3600.0,
        ..ReadSpec::default()
    };
    let data = read_bytes("a.csv", text.as_bytes(), Format::Csv, &spec).expect("data");
    let run = &data.trajectories[0];
    assert_eq!((run.t0, run.dt, run.len), (0.0, 3600.0, 8));
    let want: Vec<f64> = (0..8).map(|i| 500.0 * f64::from(i)).collect();
    assert_eq!(run.values, want);
    let want: Vec<f64> = (0..8).map(|i| 20.0 + f64::from(i) + 273.15).collect();
    assert_eq!(run.inputs, want);
    // A conversion that leaves the range of numbers is an error, not an infinity.
    let spec = ReadSpec { columns: vec![map("x", "km", 1e308, 0.0)], inputs: Vec::new(), ..spec };
    let error =
        read_bytes("a.csv", text.replace(",3.5,", ",35,").as_bytes(), Format::Csv, &spec).expect_err("too large");
    assert!(error.to_string().contains("not finite"), "{error}");
}

#[test]
fn numbers_of_a_data_block_are_converted() {
    let text = "model M {
  time [s]
  state x [m]
  param k [1/s] = 1
  x' = -k*x
}
data run = simulate M(k = 36 [1/h]) { steps 3; dt 0.5 [min]; from (2 [km]) }";
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let data = session.simulate("m.mech", &[], None).expect("a simulation");
    let run = &data.trajectories[0];
    assert_eq!((run.dt, run.values[0]), (30.0, 2000.0));
    // k = 0.01/s over 30 s
    assert!((run.values[1] - 2000.0 * (-0.3_f64).exp()).abs() < 1e-6, "{}", run.values[1]);
}

#[test]
fn units_are_imported_like_functions() {
    let far =
        "unit hare\nunit furlong = 201.168 [m]\nmodel Field { time [d]; state u [hare/furlong]; param k; u' = -k*u }\n";
    let near = "use far.Field\nuse far.hare\nmodel M { time [d]; state u [hare]; param k; u' = -k*u }\n";
    let mut session = Session::new(MemoryWorld::new().with("far.mech", far).with("m.mech", near));
    let checked = match session.check("m.mech", &[]) {
        Ok(checked) => checked,
        Err(failure) => panic!("{}", failure.render(session.sources(), diagnostics::Format::Short)),
    };
    let units: Vec<String> =
        checked.program.models.values().flat_map(|m| m.units.states.iter().flatten()).map(Unit::to_string).collect();
    assert_eq!(units, ["hare/furlong", "hare"]);
    // What is not imported is not known.
    let near = "use far.Field\nmodel M { time [d]; state u [hare]; param k; u' = -k*u }\n";
    let mut session = Session::new(MemoryWorld::new().with("far.mech", far).with("m.mech", near));
    assert!(session.check("m.mech", &[]).is_err());
}

#[test]
fn systems_of_the_library_have_units() {
    let names: Vec<&str> = sema::stdlib()
        .iter()
        .find(|(path, _)| *path == "std/systems.mech")
        .map(|(_, text)| text.lines().filter_map(|l| l.strip_prefix("use ")?.rsplit('.').next()).collect())
        .expect("the list of systems");
    let mut with_units = 0;
    for name in &names {
        let mut session = Session::new(MemoryWorld::new().with("m.mech", format!("use std.systems.{name}\n").as_str()));
        let checked = session.check("m.mech", &[]).unwrap_or_else(|_| panic!("{name} does not check"));
        let model = checked.program.models.values().find(|m| m.name == *name).expect("the model");
        let all = model.units.time.is_some() && model.units.states.iter().all(Option::is_some);
        with_units += usize::from(all && !model.units.states.is_empty());
    }
    assert!(with_units >= 25, "{with_units} of {} systems have units", names.len());
    assert_eq!(with_units, names.len(), "all of them have");
}

/// Decay at 0.2/h, written in hours and kilometres.
fn decay() -> String {
    let rows: String = (0..200)
        .map(|i| {
            let t = 0.1 * f64::from(i);
            format!("{t},{}\n", 3.0 * (-0.2 * t).exp())
        })
        .collect();
    format!("hour,position\n{rows}")
}

const DECAY: &str = "unit step = 2 [m]
model Decay {
  time [s]
  state x [m]
  const scale [step] = 10
  x' = ?linear(1, x, x^2/scale)
}
data run = csv(\"run.csv\") { time hour [h]; x = position [km] }
fit Decay to run
";

#[test]
fn a_fit_converts_data_and_prints_the_units_of_what_it_finds() {
    let folder = folder(&[("run.csv", &decay())]);
    let ran = run_in(&folder, DECAY, &[]).ok();
    let printed = &ran.stdout;
    assert!(printed.contains("[1/s]*x"), "{printed}");
    let record = ran.record();
    // Hours became seconds and kilometres metres.
    let run = &record["trajectories"][0];
    assert!((run["time"][1].as_f64().expect("a time") - 360.0).abs() < 1e-6);
    assert_eq!(run["states"][0]["data"][0].as_f64(), Some(3000.0));
    let equation = &record["equations"][0];
    assert_eq!(equation["unit"], "m/s");
    let terms = equation["terms"].as_array().expect("terms");
    let decay = terms.iter().find(|t| t["term"] == "x").expect("the term x");
    assert_eq!(decay["unit"], "1/s");
    let rate = decay["coefficient"].as_f64().expect("a number");
    assert!((rate + 0.2 / 3600.0).abs() < 1e-9, "{rate}");
    // What was found is a program with units.
    let discovered = ran.file("discovered.mech");
    for part in ["time [s]", "state x [m]", "[1/s]*x"] {
        assert!(discovered.contains(part), "{part} in\n{discovered}");
    }
    mechc(&ran.out, &["check", "discovered.mech"]).ok();
    let facts = mechc(&folder, &["info", "m.mech", "--json"]).ok().object();
    let found = &facts["models"][0];
    assert_eq!((found["time_unit"].as_str(), found["states"][0]["unit"].as_str()), (Some("s"), Some("m")));
    assert_eq!(found["unknowns"][0]["unit"], "m/s");
    assert_eq!(found["unknowns"][2]["unit"], "step/(m*s)");
}

/// A column that is not there: what is proposed has units where the block has some, and gives no further warning.
#[test]
fn columns_that_are_proposed_have_units_where_others_have() {
    let folder = folder(&[("run.csv", "t,x\n0,1\n1,2\n")]);
    let said = |settings: &str| {
        let model = format!(
            "model M {{ time [h]; state x [mg/L], y [mg/L]; param k [1/h]; x' = -k*x + 1 [1/h]*y; y' = -k*y }}
data run = csv(\"run.csv\") {{ {settings} }}\nfit M to run\n"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a written file");
        mechc(&folder, &["check", "--data", "m.mech"]).said()
    };
    let proposed = said("time t [h]");
    assert!(proposed.contains("list what was: `x = x [mg/L]`"), "{proposed}");
    let followed = said("time t [h]; x = x [mg/L]");
    assert!(!followed.contains("W0803") && !followed.contains("D012"), "{followed}");
    let plain = said("time t");
    assert!(plain.contains("list what was: `x = x`"), "{plain}");
}

#[test]
fn numbers_beside_quantities_keep_their_unit_in_print() {
    let text = |base: &str| {
        format!("model M {{ time [min]; state T [K]; param k [1/min] = 1; T' = -k*max(T - {base}, 0) + k*exp(1 - T/{base}) [K] }}")
            .replace(") [K]", ")*1 [K]")
    };
    let printed = |model: &Model| {
        let equation = model.equations.first().expect("an equation");
        model.spell(&equation.residual)
    };
    let told = printed(&model(&text("280 [K]")));
    assert!(told.contains("T - 280 [K]") && told.contains("1 - T/280"), "{told}");
    // Without units nothing is added.
    let plain = printed(&model("model M { state T; param k = 1; T' = -k*max(T - 280, 0) }"));
    assert!(plain.contains("T - 280,"), "{plain}");
}

/// What is said of `name` as the unit of a state: the help, and what is offered in its place.
fn advice(name: &str) -> (String, Option<String>) {
    let text = format!("unit hare\nunit furlong = 201.168 [m]\nmodel M {{ state x [{name}]; x' = 0 }}");
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("m.mech", &text);
    let tree = syntax::parse(id, &text, &mut sink);
    sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink);
    let found = sink.into_sorted();
    let [one] = found.as_slice() else { panic!("{name}: {found:?}") };
    assert_eq!(one.code, "E0801", "{name}");
    (one.help.clone().unwrap_or_default(), one.suggestion.as_ref().map(|s| s.replacement.clone()))
}

#[test]
fn unknown_units_are_taken_for_others_by_name_alone() {
    let replaced = [
        // In other letters.
        ("Mol", "mol"),
        ("KG", "kg"),
        ("hz", "Hz"),
        ("kpa", "kPa"),
        ("Hare", "hare"),
        ("MIN", "min"),
        // Names in full.
        ("second", "s"),
        ("Seconds", "s"),
        ("minutes", "min"),
        ("hours", "h"),
        ("day", "d"),
        ("years", "yr"),
        ("metre", "m"),
        ("meters", "m"),
        ("grams", "g"),
        ("litre", "L"),
        ("Liters", "L"),
        ("percent", "%"),
        ("molar", "M"),
        ("Molar", "M"),
        ("nanomolar", "nM"),
        ("micromolar", "uM"),
        ("millimolar", "mM"),
        ("siemens", "S"),
        ("kilograms", "kg"),
        ("milliliters", "mL"),
        ("kilometre", "km"),
        ("hares", "hare"),
        // A slip.
        ("secnod", "s"),
        ("milisecond", "ms"),
        ("kilomter", "km"),
        ("amperre", "A"),
        ("furlog", "furlong"),
        // Another form.
        ("m2", "m^2"),
        ("µm2", "um^2"),
    ];
    for (name, unit) in replaced {
        let (help, instead) = advice(name);
        assert_eq!(instead.as_deref(), Some(unit), "{name}: {help}");
        assert!(help.contains(&format!("did you mean `{unit}`?")), "{name}: {help}");
    }
    let said = [
        ("week", "`7 [d]`"),
        ("weeks", "`unit week = 7 [d]`"),
        ("celsius", "in `K`"),
        ("Celcius", "in `K`"),
        ("Fahrenheit", "in `K`"),
        ("degc", "`degC`"),
        ("molal", "`mol/kg`"),
        ("AU", "`unit AU`"),
        ("kcal", "`unit kcal = 4184 [J]`"),
        ("mw", "`MW` or `mW`"),
    ];
    let own = ["OD", "IU", "cell", "CFU", "RFU", "DU", "atm", "psi", "minn", "dya", "secs2", "centiday", "bushel"];
    let declared = own.map(|name| (name, format!("declare it at the top level: `unit {name}`")));
    let said = said.map(|(name, text)| (name, text.to_string()));
    for (name, text) in said.into_iter().chain(declared) {
        let (help, instead) = advice(name);
        assert_eq!(instead, None, "{name}: {help}");
        assert!(help.contains(&text), "{name}: {help}");
    }
}

/// Numbers inside a term keep their units, and the coefficient before it has what is left: here none of the two can be told from the names alone.
#[test]
fn numbers_inside_terms_keep_their_units() {
    let text = "model Monod {
  time [h]
  state biomass [g/L], glucose [mg/L]
  param mu [1/h] = 0.5, K [g/L] = 1, Y = 0.5
  biomass' = mu*0.001 [g/mg]*glucose/(K + 0.001 [g/mg]*glucose)*biomass
  glucose' = -mu*1000 [mg/g]*0.001 [g/mg]*glucose/(K + 0.001 [g/mg]*glucose)*biomass/Y
  initial biomass = 0.1, glucose = 10000
}
data d = simulate Monod { steps 100; dt 0.1; noise 1%; seed 1 }
fit Monod to d
test \"with and without units\" {
  expect coef(biomass', biomass*glucose/(K + 0.001*glucose)) ~= 0.0005 within 10%
  expect coef(biomass', biomass*glucose/(K + 0.001 [g/mg]*glucose)) ~= 0.0005 within 10%
}
";
    let folder = folder(&[]);
    let ran = run_in(&folder, text, &[]).ok();
    let printed = &ran.stdout;
    assert!(printed.contains("[g/(h*mg)]*biomass*glucose/(K + 0.001 [g/mg]*glucose)"), "{printed}");
    assert!(printed.contains("[1/h]*biomass*glucose/(Y*(K + 0.001 [g/mg]*glucose))"), "{printed}");
    mechc(&ran.out, &["check", "discovered.mech"]).ok();
    mechc(&folder, &["test", "m.mech"]).ok();
}
