//! Machine code on disk, so that a program is compiled once per device type and compiler.
//!
//! An entry is found by a hash of compiler, options and source, and holds all of them: one whose text is not exactly that asked
//! for, or whose checksum is wrong, is as good as none and is replaced. It is written under another name and renamed, so readers see
//! all of it or nothing. A folder that cannot be written makes no run fail.

use crate::base::Fnv;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// First bytes of an entry, with the version of its format.
const MAGIC: &[u8; 8] = b"mechcub1";
/// Bytes before the parts: magic, checksum, three lengths.
const HEADER: usize = 40;

/// A folder of compiled programs.
#[derive(Debug, Default)]
pub struct Cache {
    folder: Option<PathBuf>,
    warning: Mutex<Option<String>>,
}

/// What is kept of a compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub cubin: Vec<u8>,
    pub log: String,
}

impl Cache {
    /// Nothing is kept.
    pub fn none() -> Cache {
        Cache::default()
    }

    /// Entries are in `folder`, which is made when the first one is kept.
    pub fn at(folder: impl Into<PathBuf>) -> Cache {
        Cache { folder: Some(folder.into()), warning: Mutex::new(None) }
    }

    /// The user's: the folder `MECHC_CACHE` names, else `mechc` in the cache folder of the desktop standard
    /// (`XDG_CACHE_HOME`, or `.cache` in the home folder). None where neither is known.
    pub fn of_user() -> Cache {
        let named = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let standard = || named("XDG_CACHE_HOME").filter(|p| p.is_absolute());
        let home = || named("HOME").map(|h| h.join(".cache"));
        let folder = named("MECHC_CACHE").or_else(|| standard().or_else(home).map(|p| p.join("mechc")));
        folder.map_or_else(Cache::none, |f| Cache::at(f.join("cubin")))
    }

    /// Where it is.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Why nothing could be kept there, as far as can be told without making the folder.
    pub fn unusable(&self) -> Option<String> {
        let folder = self.folder.as_deref()?;
        let existing = folder.ancestors().find(|path| path.as_os_str().is_empty() || path.exists())?;
        let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
        if !existing.is_dir() {
            return Some(format!("`{}` is no folder", existing.display()));
        }
        tempfile::NamedTempFile::new_in(existing).err().map(|error| error.to_string())
    }

    /// Why entries could not be kept, once.
    pub fn take_warning(&self) -> Option<String> {
        self.warning.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The entry of this key.
    pub(super) fn find(&self, key: &str) -> Option<Entry> {
        read(&fs::read(self.file(key)?).ok()?, key)
    }

    /// Keeps an entry; a failure is a warning.
    pub(super) fn keep(&self, key: &str, entry: &Entry) {
        let (Some(folder), Some(file)) = (&self.folder, self.file(key)) else { return };
        let written = fs::create_dir_all(folder).and_then(|()| {
            let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
            temporary.write_all(&bytes(key, entry))?;
            temporary.persist(&file).map_err(|e| e.error)?;
            Ok(())
        });
        if let Err(error) = written {
            let text = format!("compiled kernels cannot be kept in `{}`: {error}", folder.display());
            *self.warning.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }

    fn file(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|f| f.join(format!("{:016x}.cubin", Fnv::of(key.as_bytes()))))
    }
}

fn bytes(key: &str, entry: &Entry) -> Vec<u8> {
    let parts = [key.as_bytes(), entry.log.as_bytes(), &entry.cubin];
    let mut body = Vec::new();
    parts.iter().for_each(|p| body.extend((p.len() as u64).to_le_bytes()));
    parts.iter().for_each(|p| body.extend(*p));
    let mut out = MAGIC.to_vec();
    out.extend(Fnv::of(&body).to_le_bytes());
    out.extend(body);
    out
}

fn read(bytes: &[u8], key: &str) -> Option<Entry> {
    let word = |i: usize| Some(u64::from_le_bytes(bytes.get(8 * i..8 * i + 8)?.try_into().ok()?));
    if bytes.get(..8)? != MAGIC {
        return None;
    }
    let mut rest = bytes.get(HEADER..)?;
    let mut parts: [&[u8]; 3] = [&[]; 3];
    for (i, part) in parts.iter_mut().enumerate() {
        let length = usize::try_from(word(2 + i)?).ok()?;
        (*part, rest) = rest.split_at_checked(length)?;
    }
    let [text, log, cubin] = parts;
    let whole = rest.is_empty() && word(1)? == Fnv::of(bytes.get(16..)?) && text == key.as_bytes();
    whole.then(|| Entry { cubin: cubin.to_vec(), log: String::from_utf8_lossy(log).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry { cubin: (0..=255).collect(), log: "Used 28 registers".into() }
    }

    #[test]
    fn entries_are_found_again_by_exactly_their_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::at(folder.path().join("deep/cubin"));
        assert_eq!(cache.find("a"), None);
        cache.keep("a", &entry());
        assert_eq!((cache.find("a"), cache.take_warning()), (Some(entry()), None));
        assert_eq!(cache.find("b"), None);
        // A hash that two keys share must not mix them up.
        let file = |key| cache.file(key).expect("a file");
        fs::copy(file("a"), file("b")).expect("a copy");
        assert_eq!(cache.find("b"), None);
    }

    #[test]
    fn any_damage_is_found_and_repaired() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::at(folder.path());
        cache.keep("key", &entry());
        let file = cache.file("key").expect("a file");
        let whole = fs::read(&file).expect("an entry");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            fs::write(&file, &damaged).expect("a damaged entry");
            assert_eq!(cache.find("key"), None, "byte {at}");
            fs::write(&file, &whole[..at]).expect("a torn entry");
            assert_eq!(cache.find("key"), None, "{at} bytes");
        }
        cache.keep("key", &entry());
        assert_eq!(cache.find("key"), Some(entry()));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_warning() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let cache = Cache::at(file.join("cubin"));
        cache.keep("key", &entry());
        assert!(cache.take_warning().is_some_and(|w| w.contains("cannot be kept")));
        assert!(cache.unusable().is_some_and(|why| why.contains("file` is no folder")));
        let good = Cache::at(folder.path().join("deep/cubin"));
        assert_eq!((good.unusable(), folder.path().join("deep").exists()), (None, false));
        assert_eq!((cache.find("key"), cache.take_warning()), (None, None));
    }
}
