//! The tutorial shows what `mechc new` writes and what its model gives.

use std::fs;
use std::path::Path;

use super::common;

fn mechc(folder: &Path, args: &[&str]) -> String {
    common::mechc(folder, args).ok().stdout
}

#[test]
fn the_tutorial_shows_the_project_that_mechc_new_writes() {
    let page = super::read("docs/tutorial.md");
    let blocks = super::blocks("docs/tutorial.md", &page);
    let folder = tempfile::tempdir().expect("a temporary folder");
    mechc(folder.path(), &["new", "hares"]);
    let project = folder.path().join("hares");
    let read = |name: &str| fs::read_to_string(project.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));

    // Every file is named.
    for entry in fs::read_dir(&project).expect("the project") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(page.contains(&format!("`{name}`")), "the tutorial does not name {name}");
    }
    // The first listing is the model file, and the others are pieces of files or what the run prints.
    let model = read("model.mech");
    let listing = blocks.iter().find(|b| b.info == "mech").expect("a listing");
    assert_eq!(listing.text.trim(), model.trim(), "{}", listing.place);
    let looked_at = mechc(&project, &["check", "model.mech", "--data"]);
    let printed = mechc(&project, &["run", "model.mech"]);
    // The other listings are files beside it; one of them makes the second table.
    let data = read("data.csv");
    let table = blocks.iter().filter(|b| b.info == "mech").nth(1).expect("a second listing");
    fs::write(project.join("second.mech"), &table.text).expect("a model");
    mechc(&project, &["simulate", "second.mech", "--out", "second.csv"]);
    let more = blocks.iter().filter(|b| b.info == "mech").nth(2).expect("a third listing");
    fs::write(project.join("more.mech"), &more.text).expect("a model");
    let further = mechc(&project, &["run", "more.mech", "--out", "more"]);
    let exported = mechc(&project, &["export", "more", "--to", "text", "--digits", "3"]);
    mechc(&project, &["export", "more", "--to", "sympy", "--data", "second", "-o", "meeting.py"]);
    let shown = [model, data, looked_at, printed, table.text.clone(), more.text.clone(), further, exported];
    for block in blocks.iter().filter(|b| b.info == "text" || b.info == "mech") {
        assert!(
            shown.iter().any(|text| text.contains(block.text.trim())),
            "{}: nowhere\n{}\nin\n{}",
            block.place,
            block.text,
            shown.join("\n")
        );
    }
}
