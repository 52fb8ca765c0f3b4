//! Run directories and checkpoints, with disks that fail.

use std::io;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn run_directories_are_numbered_and_never_reused() {
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().join("runs");
    let name = |run: &RunDir| run.path().file_name().unwrap().to_string_lossy().into_owned();
    let first = RunDir::numbered(&runs, "Lorenz").unwrap();
    let second = RunDir::numbered(&runs, "Lorenz").unwrap();
    std::fs::create_dir(runs.join("Lorenz-7")).unwrap();
    let third = RunDir::numbered(&runs, "Lorenz").unwrap();
    assert_eq!([name(&first), name(&second), name(&third)], ["Lorenz-1", "Lorenz-2", "Lorenz-8"]);
    assert_eq!(name(&RunDir::numbered(&runs, "../a b").unwrap()), "___a_b-1");
    let path = first.save("equations.json", b"{}").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"{}");
    let entries: Vec<_> = std::fs::read_dir(first.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(entries.len(), 2, "nothing but the file and the lock: {entries:?}");
}

#[test]
fn directories_in_use_or_full_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a").join("b");
    let code = |result: Result<RunDir, OutputError>| {
        let error = result.map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains(&root.path().display().to_string()), "{error}");
        error.code()
    };
    let run = RunDir::at(&path).unwrap();
    assert_eq!(code(RunDir::at(&path)), "R005");
    assert_eq!(code(RunDir::resume(&path)), "R005");
    drop(run);
    // Only the lock is left of a run that was refused before it wrote anything.
    let run = RunDir::at(&path).unwrap();
    run.save("record.json", b"{}").unwrap();
    drop(run);
    assert_eq!(code(RunDir::at(&path)), "R001");
    RunDir::resume(&path).unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert_eq!(code(RunDir::at(&file)), "R002");
    assert_eq!(code(RunDir::resume(&file)), "R002");
    assert_eq!(code(RunDir::at(&file.join("c"))), "R003");
    assert_eq!(code(RunDir::numbered(&file, "x")), "R003");
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    RunDir::at(&empty).unwrap();
    let foreign = root.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), b"").unwrap();
    assert_eq!(code(RunDir::at(&foreign)), "R001");
    let left: Vec<_> = std::fs::read_dir(&foreign).unwrap().collect();
    assert_eq!(left.len(), 1, "a directory that is refused is left as it was");
}

#[test]
#[cfg(target_os = "linux")]
fn directories_that_cannot_be_written_are_refused_before_the_run() {
    // Nobody, not even root, can create files in there.
    assert_eq!(RunDir::resume(Path::new("/proc/self")).unwrap_err().code(), "R004");
    assert_eq!(RunDir::at(Path::new("/proc/mechc-run")).unwrap_err().code(), "R003");
    assert_eq!(RunDir::numbered(Path::new("/proc/self"), "Lorenz").unwrap_err().code(), "R003");
}

/// A disk on which the n-th operation fails, and, if `dead`, all after it: a process killed there. A write that fails
/// leaves half of the bytes.
struct Faulty {
    left: usize,
    dead: bool,
    tripped: bool,
}

impl Faulty {
    fn step(&mut self) -> io::Result<()> {
        if self.tripped && self.dead {
            return Err(io::Error::other("dead"));
        }
        if self.left == 0 && !self.tripped {
            self.tripped = true;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.left = self.left.saturating_sub(1);
        Ok(())
    }
}

impl Storage for Faulty {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let result = self.step();
        if result.is_err() && !self.dead {
            Disk.write(path, &bytes[..bytes.len() / 2])?;
        }
        result?;
        Disk.write(path, bytes)
    }
    fn sync(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.sync(path)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Disk.rename(from, to)
    }
    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.sync_directory(path)
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.remove(path)
    }
}

fn checkpoint(step: u64) -> Checkpoint {
    Checkpoint { step, payload: vec![step as u8; 1000] }
}

#[test]
fn whatever_fails_a_whole_checkpoint_is_left() {
    for dead in [false, true] {
        let mut failures = 0;
        for n in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            checkpoint(1).save(&mut Disk, folder.path()).unwrap();
            checkpoint(2).save(&mut Disk, folder.path()).unwrap();
            let mut disk = Faulty { left: n, dead, tripped: false };
            let saved = checkpoint(3).save(&mut disk, folder.path());
            let (Loaded::Last(found) | Loaded::Previous(found)) = Checkpoint::load(folder.path()).unwrap();
            assert_eq!(found, checkpoint(found.step));
            match saved {
                Ok(()) => assert_eq!(found.step, 3),
                Err(error) => {
                    failures += 1;
                    assert!(found.step >= 2, "operation {n}: step {}", found.step);
                    assert_eq!((error.code(), error.exit_code()), ("R006", 4));
                }
            }
            if !dead {
                let names: Vec<PathBuf> =
                    std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
                assert!(names.len() <= 2, "operation {n} leaves {names:?}");
            }
        }
        assert_eq!(failures, 5, "write, flush, two renames, flush of the directory");
    }
}

#[test]
fn torn_checkpoints_are_noticed() {
    let bytes = checkpoint(9).encode();
    assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint(9)));
    for cut in 0..bytes.len() {
        assert!(Checkpoint::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(Checkpoint::decode(&damaged).is_err(), "changed at {at}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap_err().code(), "R008");
    let [last, previous] = Checkpoint::file_names().map(|n| folder.path().join(n));
    checkpoint(1).save(&mut Disk, folder.path()).unwrap();
    checkpoint(2).save(&mut Disk, folder.path()).unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap(), Loaded::Last(checkpoint(2)));
    std::fs::write(&last, &bytes[..500]).unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap(), Loaded::Previous(checkpoint(1)));
    checkpoint(3).save(&mut Disk, folder.path()).unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap(), Loaded::Last(checkpoint(3)));
    std::fs::write(&last, b"").unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap(), Loaded::Previous(checkpoint(1)));
    std::fs::write(&previous, b"").unwrap();
    assert_eq!(Checkpoint::load(folder.path()).unwrap_err().code(), "R009");
}
