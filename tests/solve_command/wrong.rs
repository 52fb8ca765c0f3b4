//! What is said about wrong arrays, options and places.

use std::fs;

use super::common::{Ran, command, mechc};
use super::{changed, f8, members, npy, npz, oscillator};

/// What a run with a wrong archive or wrong options ends with.
struct Wrong {
    name: &'static str,
    archive: Vec<u8>,
    args: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
}

fn wrong_cases() -> Vec<Wrong> {
    let data = |name, archive, says| Wrong { name, archive, args: &[], code: 3, says };
    let usage = |name, args, says| Wrong { name, archive: npz(&members()), args, code: 2, says };
    let member = |name: &'static str, shape: &[usize], x: f64| {
        changed(name, f8(shape, &vec![x; shape.iter().product::<usize>()]))
    };
    // A byte becomes eight.
    let bomb = npy("|u1", false, &[140_000_000], &vec![0; 140_000_000]);
    let mut twice = npz(&[("rhs", f8(&[2, 1, 6], &[0.0; 12])), ("rhz", f8(&[2, 1, 6], &[0.0; 12]))]);
    for i in 0..twice.len() - 3 {
        if &twice[i..i + 3] == b"rhz" {
            twice[i + 2] = b's';
        }
    }
    let whole = npz(&members());
    vec![
        data("no c", changed("c", Vec::new()), &["D012", "case.npz", "`c`"]),
        data("no rhs", changed("rhs", Vec::new()), &["D012", "`rhs`"]),
        data("no h", changed("h", Vec::new()), &["D012", "`h`"]),
        data("c of four axes", member("c", &[2, 6, 1, 3], 1.0), &["D027", "`c`", "(2, 6, 1, 3)", "(B, E, T, D, K)"]),
        data("c of another batch", member("c", &[3, 1, 6, 1, 3], 1.0), &["D027", "`c`", "(2 or 1, 1, 6, D, K)"]),
        data("c of other steps", member("c", &[2, 1, 7, 1, 3], 1.0), &["D027", "`c`", "(2, 1, 7, 1, 3)"]),
        data(
            "rhs of other steps",
            member("rhs", &[2, 1, 7], 1.0),
            &["D027", "`rhs`", "(2, 1, 7)", "(B, 1, 6), since `c` is"],
        ),
        data(
            "rhs of another batch",
            member("rhs", &[1, 1, 6], 1.0),
            &["`rhs`", "(2, 1, 6), since `c` is (2, 1, 6, 1, 3)"],
        ),
        data(
            "rhs and c of other batches",
            npz(&[
                ("c", f8(&[2, 1, 3, 1, 1], &[1.0; 6])),
                ("rhs", f8(&[1, 1, 3], &[0.0; 3])),
                ("h", f8(&[2], &[0.1; 2])),
            ]),
            &["D027", "`c`", "expected (1, 1, 3, D, K), since `rhs` is (1, 1, 3)"],
        ),
        data("no arrays", npz(&[]), &["D004", "is empty", "numpy.savez"]),
        data("rhs of two axes", member("rhs", &[2, 6], 1.0), &["D027", "`rhs`", "(B, E, T)"]),
        data("iv of another state", member("iv", &[2, 1, 2, 2], 1.0), &["D027", "`iv`", "(2, Ti, 1, Ki)"]),
        data(
            "more initial values than derivatives",
            member("iv", &[2, 1, 1, 4], 1.0),
            &["D027", "`iv`", "Ki at most 3"],
        ),
        data("initial values beyond the end", member("iv", &[2, 7, 1, 2], 1.0), &["D027", "`iv`", "Ti at most 6"]),
        data("as many steps as samples", member("h", &[2, 6], 0.1), &["D027", "`h`", "(2, 5)", "6 steps"]),
        data("upstream of another shape", member("upstream", &[2, 6, 3], 0.1), &["D027", "`upstream`", "(2, 6, 1, 3)"]),
        data("upstream of the slack", member("upstream_eps", &[3], 0.1), &["D027", "`upstream_eps`", "(2,)"]),
        data(
            "no batch",
            npz(&[("c", f8(&[0, 1, 6, 1, 3], &[])), ("rhs", f8(&[0, 1, 6], &[])), ("h", f8(&[5], &[0.1; 5]))]),
            &["D027", "`c`", "where B is at least 1"],
        ),
        data(
            "too many derivatives",
            {
                npz(&[
                    ("c", f8(&[1, 1, 2, 1, 17], &[1.0; 34])),
                    ("rhs", f8(&[1, 1, 2], &[0.0; 2])),
                    ("h", f8(&[1], &[0.1])),
                ])
            },
            &["D027", "`c`", "where K is 1 to 16"],
        ),
        data("NaN", member("rhs", &[2, 1, 6], f64::NAN), &["D011", "`rhs`", "[0, 0, 0]", "NaN"]),
        data(
            "an infinite step",
            changed("h", f8(&[2, 5], &[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, f64::INFINITY, 0.1, 0.1, 0.1])),
            &["D011", "`h`", "[1, 1]", "inf"],
        ),
        Wrong {
            name: "steps that differ by state",
            archive: npz(&[
                ("c", f8(&[1, 1, 3, 2, 2], &[1.0; 12])),
                ("rhs", f8(&[1, 1, 3], &[0.0; 3])),
                ("h", f8(&[1, 2, 2], &[0.1, 0.1, 0.1, 0.2])),
            ]),
            args: &["--shared-steps"],
            code: 2,
            says: &["N008", "`--shared-steps`", "0.2 for states 0 and 1 in sample 0, interval 1", "leave out"],
        },
        data("objects", changed("c", npy("|O", false, &[2, 1, 6, 1, 3], &[0; 288])), &["D023", "`c`"]),
        data("text", changed("c", npy("<U4", false, &[2, 1, 6, 1, 3], &[0; 576])), &["D024", "`c`"]),
        data("an empty file", Vec::new(), &["D004", "case.npz"]),
        data("no archive", b"t,x,y\n".to_vec(), &["D028", "case.npz"]),
        data("cut off", whole[..whole.len() / 2].to_vec(), &["D028", "case.npz"]),
        data("an array twice", twice, &["D013", "`rhs`"]),
        data("a bomb", npz(&[("rhs", bomb)]), &["D020", "case.npz", "limit", "a part of the batch"]),
        data("a step that is no number", changed("h", f8(&[], &[f64::NAN])), &["D011", "case.npz: array `h` is NaN"]),
        Wrong {
            name: "right-hand sides beyond single precision",
            archive: member("rhs", &[2, 1, 6], 1e39),
            args: &["--dtype", "f32"],
            code: 5,
            says: &["N515", "`--dtype f64` or `mixed`"],
        },
        Wrong {
            name: "singular",
            archive: {
                let c: Vec<f64> = (0..36).map(|i| if i < 18 && i % 3 == 2 { 1.0 } else { 0.0 }).collect();
                npz(&[("c", f8(&[2, 1, 6, 1, 3], &c)), ("rhs", f8(&[2, 1, 6], &[0.0; 12])), ("h", f8(&[5], &[0.1; 5]))])
            },
            args: &[],
            code: 5,
            says: &["N515", "sample 0", "step", "state 0", "initial values"],
        },
        Wrong {
            name: "a matrix beyond the largest number",
            archive: member("c", &[1, 1, 6, 1, 3], 1e200),
            args: &[],
            code: 5,
            says: &["N515", "sample 0", "step 0", "state 0"],
        },
        Wrong {
            name: "a solution beyond the largest number",
            archive: member("rhs", &[2, 1, 6], 1e308),
            args: &["--weights", "100,1,1"],
            code: 5,
            says: &["N515", "solution", "sample 0", "step 0", "state 0"],
        },
        Wrong {
            name: "a batch that does not fit in memory",
            archive: npz(&[
                ("c", f8(&[1, 0, 100, 1, 3], &[])),
                ("rhs", f8(&[1 << 40, 0, 100], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "memory", "1099511627776 systems"],
        },
        Wrong {
            name: "steps that do not fit in memory",
            archive: npz(&[
                ("c", f8(&[1, 0, 1 << 40, 1, 3], &[])),
                ("rhs", f8(&[1, 0, 1 << 40], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "memory", "solving 1 system of 3298534883328 unknowns", "or take fewer steps\n"],
        },
        Wrong {
            name: "steps that do not fit in memory with lanes that nothing fills",
            archive: npz(&[
                ("c", f8(&[1, 0, 1 << 40, 1, 3], &[])),
                ("rhs", f8(&[1, 0, 1 << 40], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &["--dtype", "mixed"],
            code: 4,
            says: &["N014", "memory", "solving 1 system of 3298534883328 unknowns", "fewer steps, or `--dtype f64`\n"],
        },
        Wrong {
            name: "more steps than can be counted in bytes",
            archive: npz(&[
                ("c", f8(&[1, 0, 1 << 52, 1, 3], &[])),
                ("rhs", f8(&[1, 0, 1 << 52], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "overflow"],
        },
        data(
            "a weight for each system",
            member("weight_equation", &[2, 6], 1.0),
            &["D027", "`weight_equation`", "(1, 6)"],
        ),
        data(
            "a weight without initial values",
            {
                let mut members = members();
                members.retain(|m| m.0 != "iv");
                members.push(("weight_initial", f8(&[1, 1], &[1.0])));
                npz(&members)
            },
            &["D027", "`weight_initial`", "(0, 1), since there is no `iv`", "add `iv`, or leave the array out"],
        ),
        data("a weight that is not finite", member("weight_smooth", &[5, 1], f64::NAN), &["D011", "`weight_smooth`"]),
        data(
            "no state",
            npz(&[("c", f8(&[1, 1, 2, 0, 3], &[])), ("rhs", f8(&[1, 1, 2], &[0.0; 2])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where D is at least 1"],
        ),
        data(
            "no step",
            npz(&[("c", f8(&[1, 1, 0, 1, 3], &[])), ("rhs", f8(&[1, 1, 0], &[])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where T is at least 1"],
        ),
        data(
            "no derivative",
            npz(&[("c", f8(&[1, 1, 2, 1, 0], &[])), ("rhs", f8(&[1, 1, 2], &[0.0; 2])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where K is 1 to 16"],
        ),
        Wrong {
            name: "two steps that close",
            archive: oscillator(2, 0.1, true),
            args: &["--periodic"],
            code: 2,
            says: &[
                "N008",
                "`--periodic` takes at least 3 steps, and there are 2",
                "leave out `--periodic`",
                "3 steps or more",
            ],
        },
        Wrong {
            name: "central rows without a derivative",
            archive: npz(&[
                ("c", f8(&[1, 1, 3, 1, 1], &[1.0; 3])),
                ("rhs", f8(&[1, 1, 3], &[0.0; 3])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &["--central"],
            code: 2,
            says: &["N008", "`--central` takes at least 2 entries", "(K)", "leave out `--central`"],
        },
        Wrong {
            name: "gradients beyond numbers",
            archive: npz(&[
                ("c", f8(&[2, 1, 6, 1, 3], &[0.5, 0.2, 1.0].repeat(12))),
                ("rhs", f8(&[2, 1, 6], &[[0.0; 6], [1e200; 6]].concat())),
                ("iv", f8(&[2, 1, 1, 2], &[0.0; 4])),
                ("h", f8(&[2, 5], &[0.1; 10])),
                ("upstream", f8(&[2, 6, 1, 3], &[1e200; 36])),
            ]),
            args: &[],
            code: 5,
            says: &["N515", "gradient of c is not finite at sample 1, step 0, derivative 0", "scale right-hand sides"],
        },
        Wrong {
            name: "a gradient of one step for all, beyond numbers only as a sum",
            archive: npz(&[
                ("c", f8(&[1, 1, 6, 1, 3], &[1.0, 0.0, 1.0].repeat(6))),
                ("rhs", f8(&[1, 1, 6], &[1e150; 6])),
                ("iv", f8(&[1, 1, 1, 2], &[1e150; 2])),
                ("h", f8(&[], &[0.1])),
                ("upstream", f8(&[1, 6, 1, 3], &[0.5e158; 18])),
            ]),
            args: &[],
            code: 5,
            says: &["N515", "gradient of h is not finite, summed over all intervals", "scale right-hand sides"],
        },
        Wrong {
            name: "gradients beyond double precision, of a solution in single precision",
            archive: member("upstream", &[2, 6, 1, 3], 1e308),
            args: &["--dtype", "f32", "--weights", "1e-2,1e-2,1e-2"],
            code: 5,
            says: &[
                "N515",
                "the adjoint solution of sample 0 is not finite",
                "gradients of a solve in `f32` are taken in `mixed`",
                "help: scale right-hand sides, initial values, or `upstream`\n",
            ],
        },
        usage("central Hermite rows", &["--rows", "hermite", "--central"], &["N008", "Hermite"]),
        usage("a slack in Hermite rows", &["--rows", "hermite", "--slack"], &["N008", "`--slack`", "`--rows taylor`"]),
        data(
            "a step of zero",
            changed("h", f8(&[2, 5], &[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.1, 0.1, 0.1])),
            &["D015", "sample 1, interval 1", "not positive"],
        ),
        data("a negative step", changed("h", f8(&[], &[-0.1])), &["D015", "all intervals", "-0.1"]),
        Wrong {
            name: "a gradient of no slack",
            archive: changed("upstream_eps", f8(&[2], &[1.0; 2])),
            args: &[],
            code: 2,
            says: &["N008", "`upstream_eps`", "--slack"],
        },
        usage("alpha without slack", &["--alpha", "0.1"], &["N008", "`--alpha`", "add `--slack`"]),
        usage("gamma without slack", &["--gamma", "-2"], &["N008", "`--gamma`", "add `--slack`"]),
        usage("a negative weight", &["--weights", "1,-0.5,1"], &["N008", "-0.5 for the initial rows"]),
        usage("two negative weights", &["--weights", "-1,1,-1"], &["N008", "-1 for the equation rows"]),
        data(
            "a negative weight of an equation",
            changed("weight_equation", f8(&[1, 6], &[1.0, 1.0, 0.0, -0.5, 1.0, -2.0])),
            &["D034", "case.npz: the weight of equation 0, step 3 in array `weight_equation` is -0.5"],
        ),
        data(
            "a negative weight of a start",
            changed("weight_initial", f8(&[1, 1], &[-1e-3])),
            &["D034", "initial step 0, state 0 in array `weight_initial` is -0.001"],
        ),
        data(
            "a negative weight of an interval",
            changed("weight_smooth", f8(&[5, 1], &[1.0, 1.0, 1.0, 1.0, -1.0])),
            &["D034", "interval 4, state 0 in array `weight_smooth` is -1"],
        ),
        data(
            "a weight of an equation without a square",
            changed("weight_equation", f8(&[1, 6], &[1.0, 1.0, 1e-200, 1.0, 1.0, 1.0])),
            &["D034", "equation 0, step 2 in array `weight_equation` is 1e-200:", "between 1e-161 and 1e154"],
        ),
        Wrong {
            name: "two weights whose product has no square",
            archive: changed("weight_equation", f8(&[1, 6], &[1e-100, 1.0, 1.0, 1.0, 1.0, 1.0])),
            args: &["--weights", "1e-100,1,1"],
            code: 3,
            says: &[
                "D034",
                "equation 0, step 0 in array `weight_equation` is 1e-100, and 1e-100 in `--weights`: their product has no square",
                "choose the two so that",
            ],
        },
        Wrong {
            name: "no row that counts",
            archive: npz(&members()),
            args: &["--weights", "0,0,0"],
            code: 5,
            says: &["N515", "`--weights` has 0 for equation, initial and smoothness rows", "or add others"],
        },
        usage(
            "a tiny negative weight",
            &["--weights", "-1e-100,1,1"],
            &["N008", "weight -1e-100 for the equation rows"],
        ),
        usage("a weight without a square", &["--weights", "1e-200,1,1"], &["N008", "equation weight", "square"]),
        usage("a weight of a large square", &["--weights", "1e300,1,1"], &["N008", "1e154", "`--weights E,I,S`"]),
        usage(
            "a push beyond numbers",
            &["--slack", "--alpha", "1e200", "--gamma", "1e200"],
            &["N008", "`--alpha` and `--gamma`", "1.7e308"],
        ),
    ]
}

#[test]
fn what_is_wrong_is_named() {
    let mut wrong = Vec::new();
    for case in wrong_cases() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("case.npz"), case.archive).expect("a written file");
        let mut args = vec!["solve", "case.npz", "--out", "result.npz"];
        args.extend(case.args);
        let output = mechc(folder.path(), &args);
        let said = &output.stderr;
        if output.status.code() != Some(case.code) {
            wrong.push(format!("{}: exit code {:?}, not {}\n{said}", case.name, output.status.code(), case.code));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: `{text}` is not said in\n{said}", case.name)));
        if !output.stdout.is_empty() || fs::read_dir(folder.path()).expect("a folder").count() != 1 {
            wrong.push(format!("{}: something is left behind", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn places_of_the_files_are_checked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = npz(&members());
    fs::write(folder.path().join("case.npz"), &archive).expect("a written file");
    let cases: [(&[&str], i32, &[&str]); 8] = [
        (&["solve", "none.npz", "--out", "r.npz"], 3, &["D001", "none.npz", "help: check the path.\n"]),
        (&["solve", "caze.npz", "--out", "r.npz"], 3, &["D001", "caze.npz", "help: did you mean `case.npz`?\n"]),
        (&["solve", ".", "--out", "r.npz"], 3, &["D003", "a regular .npz file"]),
        (&["solve", "case.npz", "--out", "r.csv"], 2, &["N006", "r.csv"]),
        (&["solve", "case.npz", "--out", ".npz"], 2, &["N006", "`.npz` is an ending without a name"]),
        (&["solve", "case.npz"], 2, &["--out"]),
        (&["solve", "case.npz", "--out", "./case.npz"], 2, &["N009", "case.npz"]),
        (&["solve", "case.npz", "--out", "no/r.npz"], 2, &["N016", "`no`"]),
    ];
    for (args, code, says) in cases {
        let output = mechc(folder.path(), args);
        let said = &output.stderr;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(says.iter().all(|text| said.contains(text)), "{args:?}: {said}");
    }
    assert_eq!(fs::read(folder.path().join("case.npz")).expect("the case"), archive);
    let one =
        npz(&[("c", f8(&[1, 1, 3, 1, 1], &[1.0; 3])), ("rhs", f8(&[1, 1, 3], &[0.0; 3])), ("h", f8(&[], &[0.1]))]);
    fs::write(folder.path().join("one.npz"), one).expect("a written file");
    let said = mechc(folder.path(), &["solve", "one.npz", "--out", "r.npz"]).stderr;
    assert!(said.contains("1 system of 3 unknowns in r.npz"));
}

/// File systems allow 255 bytes.
#[test]
fn a_result_may_have_the_longest_name_that_there_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("case.npz"), npz(&members())).expect("a written file");
    let name = format!("{}.npz", "é".repeat(125));
    mechc(folder.path(), &["solve", "case.npz", "--out", &name]).ok();
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    assert!(folder.path().join(name).is_file());
}

#[test]
fn a_place_that_cannot_be_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("folder.npz")).expect("a folder");
    for (out, says) in [("folder.npz", "is a folder"), ("missing/result.npz", "`missing`")] {
        // There is no case either, and the place of the result is what is said.
        let output = mechc(folder.path(), &["solve", "case.npz", "--out", out]);
        let said = &output.stderr;
        assert!(output.status.code() == Some(2) && said.contains("N016") && said.contains(says), "{said}");
    }
}

#[test]
fn unknown_instructions_are_refused_by_every_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for args in [&["explain", "N017"] as &[&str], &["bench", "solve", "--batch", "1", "--repeat", "1"]] {
        for (value, code) in [("sse", 2), ("AVX2", 2), ("avx2", 0), ("", 0)] {
            let output = Ran::of(command(&folder, args).env("MECHC_INSTRUCTIONS", value));
            let said = &output.stderr;
            assert_eq!(output.status.code(), Some(code), "{value}: {said}");
            assert!(code == 0 || said.contains("N017") && said.contains("`avx2` or `portable`"), "{said}");
        }
    }
}

#[test]
fn a_misspelt_array_is_pointed_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut members = members();
    members.retain(|m| m.0 != "upstream");
    members.push(("upsteam", f8(&[2, 6, 1, 3], &[0.0; 36])));
    fs::write(folder.path().join("case.npz"), npz(&members)).expect("a written file");
    let output = mechc(folder.path(), &["solve", "case.npz", "--out", "result.npz"]);
    let said = &output.stderr;
    assert!(output.status.success() && said.contains("`upsteam`") && said.contains("`upstream`"), "{said}");
}
