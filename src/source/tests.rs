//! What the worlds give and refuse.

use std::fs;
use std::path::Path;

use super::*;

/// The outcome of reading `path` in a world rooted at `root`, as one line.
fn outcome(root: &Path, path: &str) -> String {
    let world = match FsWorld::new(root) {
        Ok(world) => world,
        Err(e) => return format!("no world: {e}"),
    };
    match world.read(path) {
        Ok(text) => format!("{text:?}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn a_folder_gives_its_files_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("models")).expect("folders");
    fs::write(root.join("models/prey.mech"), "model Prey {}").expect("a file");
    fs::write(root.join("bom.mech"), "\u{feff}model A {}\r\n").expect("a file");
    fs::write(root.join("latin.mech"), b"// caf\xe9").expect("a file");
    fs::write(root.join("wide.mech"), b"\xff\xfem\0o\0").expect("a file");
    fs::write(dir.path().join("secret.mech"), "model Secret {}").expect("a file");
    let big = fs::File::create(root.join("big.mech")).expect("a file");
    big.set_len(MAX_SOURCE_BYTES + 1).expect("a sparse file");

    let check = |path: &str| outcome(&root, path);
    insta::assert_snapshot!(check("models/prey.mech"), @r#""model Prey {}""#);
    insta::assert_snapshot!(check("models/../bom.mech"), @r#""model A {}\r\n""#);
    insta::assert_snapshot!(check("none.mech"), @"there is no file `none.mech`");
    insta::assert_snapshot!(check("bom.mech/x"), @"there is no file `bom.mech/x`");
    insta::assert_snapshot!(check("models"), @"`models` is not a regular file");
    insta::assert_snapshot!(check("../secret.mech"), @"`../secret.mech` leads out of the project's folder");
    insta::assert_snapshot!(check("models/../../secret.mech"), @"`models/../../secret.mech` leads out of the project's folder");
    insta::assert_snapshot!(check("/dev/zero"), @"`/dev/zero` leads out of the project's folder");
    insta::assert_snapshot!(check("latin.mech"), @"`latin.mech` is not UTF-8 text (first bad byte at offset 6)");
    insta::assert_snapshot!(check("wide.mech"), @"`wide.mech` is not UTF-8 text (first bad byte at offset 0); it seems to be UTF-16: save it as UTF-8");
    insta::assert_snapshot!(check("big.mech"), @"`big.mech` has 16777217 bytes; a source file has at most 16777216");
}

#[test]
fn a_library_finds_its_neighbours_where_it_is_read_by_itself() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(dir.path().join("lib/deep")).expect("folders");
    fs::write(dir.path().join("lib/units.mech"), "unit cell").expect("a file");
    fs::write(dir.path().join("secret.mech"), "model Secret {}").expect("a file");
    let check = |path: &str| outcome(&dir.path().join("lib/deep"), path);
    insta::assert_snapshot!(check("lib/units.mech"), @r#""unit cell""#);
    insta::assert_snapshot!(check("lib/none.mech"), @"there is no file `lib/none.mech`");
    insta::assert_snapshot!(check("units.mech"), @"there is no file `units.mech`");
    insta::assert_snapshot!(check("secret.mech"), @"there is no file `secret.mech`");
    insta::assert_snapshot!(check("lib/../secret.mech"), @"`lib/../secret.mech` leads out of the project's folder");
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_refused() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().join("root");
    fs::create_dir_all(&root).expect("a folder");
    fs::write(dir.path().join("secret.mech"), "model Secret {}").expect("a file");
    fs::write(root.join("inside.mech"), "model Inside {}").expect("a file");
    symlink("../secret.mech", root.join("out.mech")).expect("a link");
    symlink("inside.mech", root.join("in.mech")).expect("a link");
    symlink("/dev/zero", root.join("zero.mech")).expect("a link");
    // A socket stands for every special file inside the folder: it can be made without a system call crate.
    let _socket = std::os::unix::net::UnixListener::bind(root.join("s.mech")).expect("a socket");

    let check = |path: &str| outcome(&root, path);
    insta::assert_snapshot!(check("out.mech"), @"`out.mech` leads out of the project's folder");
    insta::assert_snapshot!(check("in.mech"), @r#""model Inside {}""#);
    insta::assert_snapshot!(check("zero.mech"), @"`zero.mech` leads out of the project's folder");
    insta::assert_snapshot!(check("s.mech"), @"`s.mech` is not a regular file");
}

#[test]
fn the_upper_layer_hides_the_lower_one() {
    let upper = MemoryWorld::new().with("std/systems.mech", "upper");
    let lower = MemoryWorld::new().with("std/systems.mech", "lower").with("own.mech", "own");
    let world = Layered { upper, lower };
    assert_eq!(world.read("std/systems.mech").as_deref(), Ok("upper"));
    assert_eq!(world.read("own.mech").as_deref(), Ok("own"));
    assert_eq!(world.read("none.mech"), Err(SourceError::NotFound("none.mech".to_string())));
}

#[test]
fn lines_and_columns_count_characters_from_one() {
    let mut sources = Sources::default();
    let id = sources.add("a.mech", "\u{feff}αβ = 1\r\nγ");
    let file = sources.file(id);
    assert_eq!(file.line_column(0), (1, 1));
    assert_eq!(file.line_column(4), (1, 3));
    assert_eq!(file.line_column(10), (2, 1));
    assert_eq!(file.line_column(12), (2, 2));
    assert_eq!(file.line_column(9999), (2, 2));
    assert_eq!(file.longest_line_near(0), 10);
    assert_eq!(file.longest_line_near(11), 10);
    let file = sources.add("ends.mech", "a\rb\r\nc\n\rd");
    let file = sources.file(file);
    let starts: Vec<usize> = file.line_starts().collect();
    assert_eq!(starts, [0, 2, 5, 7, 8]);
    assert_eq!([2, 5, 8].map(|at| file.line_column(at)), [(2, 1), (3, 1), (5, 1)]);
}
