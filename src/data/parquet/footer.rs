//! What a Parquet file holds and where, from its end.

use super::thrift::{BINARY, Fault, LIST, Reader, STRUCT, TRUE};

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Float,
    Double,
    Bytes,
    /// Something that holds no numbers.
    Other,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Its name; of a nested one the names on the way, with points between.
    pub name: String,
    pub physical: Physical,
    /// Whether values may be null.
    pub optional: bool,
    /// What keeps it from being read as numbers or texts.
    pub refused: Option<&'static str>,
    /// Whether whole numbers are without sign.
    pub unsigned: bool,
    /// Decimal digits behind the point of whole numbers.
    pub scale: i64,
}

/// A part of a column: where its pages are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunk {
    pub codec: i64,
    pub values: i64,
    pub first_page: i64,
    pub bytes: i64,
    /// Whether it lies in another file or is encrypted.
    pub elsewhere: bool,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub(super) struct Footer {
    pub rows: i64,
    pub leaves: Vec<Leaf>,
    /// The chunks of every row group, one for each leaf.
    pub groups: Vec<Vec<Chunk>>,
}

/// An element of the schema, which lists a tree from its root on.
#[derive(Default)]
struct Element {
    name: String,
    physical: Option<i64>,
    repetition: i64,
    children: i64,
    converted: Option<i64>,
    scale: i64,
    /// The number of the field of the union of logical types, and whether it is an integer without sign.
    logical: (i64, bool),
}

impl Footer {
    /// Reads the footer of a file.
    pub fn read(bytes: &[u8]) -> Result<Footer, Fault> {
        const MARK: &[u8] = b"PAR1";
        let body = bytes.strip_prefix(MARK).ok_or("it does not begin as a parquet file")?;
        let (body, mark) = body.split_last_chunk::<4>().ok_or("it is cut off")?;
        if mark == b"PARE" {
            return Err("it is encrypted");
        }
        if mark != MARK {
            return Err("it does not end as a parquet file: it is cut off");
        }
        let (body, len) = body.split_last_chunk::<4>().ok_or("it is cut off")?;
        let start = body.len().checked_sub(u32::from_le_bytes(*len) as usize).ok_or("its metadata are cut off")?;
        let mut elements: Vec<Element> = Vec::new();
        let mut out = Footer::default();
        Reader::new(body.get(start..).unwrap_or_default()).fields(|r, id, kind| {
            match (id, kind) {
                (2, LIST) => r.elements(STRUCT, |r| {
                    elements.push(element(r)?);
                    Ok(())
                })?,
                (3, 6) => out.rows = r.integer()?,
                (4, LIST) => r.elements(STRUCT, |r| {
                    out.groups.push(group(r)?);
                    Ok(())
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        out.leaves = leaves(&elements)?;
        if out.groups.iter().any(|chunks| chunks.len() != out.leaves.len()) {
            return Err("a row group has another number of columns than the schema");
        }
        Ok(out)
    }
}

fn element(r: &mut Reader<'_>) -> Result<Element, Fault> {
    let mut out = Element::default();
    r.fields(|r, id, kind| {
        match (id, kind) {
            (1, 5) => out.physical = Some(r.integer()?),
            (3, 5) => out.repetition = r.integer()?,
            (4, BINARY) => out.name = String::from_utf8_lossy(r.binary()?).into_owned(),
            (5, 5) => out.children = r.integer()?,
            (6, 5) => out.converted = Some(r.integer()?),
            (7, 5) => out.scale = r.integer()?,
            (10, STRUCT) => r.fields(|r, id, kind| {
                out.logical.0 = id;
                if (id, kind) != (10, STRUCT) {
                    return Ok(false);
                }
                r.fields(|_, id, kind| {
                    out.logical.1 |= id == 2 && kind != TRUE;
                    Ok(false)
                })?;
                Ok(true)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(out)
}

fn group(r: &mut Reader<'_>) -> Result<Vec<Chunk>, Fault> {
    let mut chunks = Vec::new();
    r.fields(|r, id, kind| {
        if (id, kind) != (1, LIST) {
            return Ok(false);
        }
        r.elements(STRUCT, |r| {
            chunks.push(chunk(r)?);
            Ok(())
        })?;
        Ok(true)
    })?;
    Ok(chunks)
}

fn chunk(r: &mut Reader<'_>) -> Result<Chunk, Fault> {
    let mut out = Chunk::default();
    let mut dictionary = None;
    r.fields(|r, id, kind| match (id, kind) {
        (1, BINARY) | (8, STRUCT) => {
            out.elsewhere = true;
            Ok(false)
        }
        (3, STRUCT) => {
            r.fields(|r, id, kind| {
                match (id, kind) {
                    (4, 5) => out.codec = r.integer()?,
                    (5, 6) => out.values = r.integer()?,
                    (7, 6) => out.bytes = r.integer()?,
                    (9, 6) => out.first_page = r.integer()?,
                    (11, 6) => dictionary = Some(r.integer()?),
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            Ok(true)
        }
        _ => Ok(false),
    })?;
    // Some writers say zero where there is no dictionary.
    if let Some(at) = dictionary.filter(|&at| at > 0) {
        out.first_page = out.first_page.min(at);
    }
    Ok(out)
}

/// Groups inside groups: nested columns are not read anyway, and every one is named by its whole way.
const DEEPEST: usize = 32;

/// The columns: the leaves of the tree that the schema lists.
fn leaves(elements: &[Element]) -> Result<Vec<Leaf>, Fault> {
    const WRONG: Fault = "its schema is not a tree";
    let root = elements.first().ok_or("it has no schema")?;
    let mut out = Vec::new();
    // Nodes on the way, with how many children are still to come.
    let mut way: Vec<(&Element, i64)> = vec![(root, root.children)];
    for element in elements.iter().skip(1) {
        while way.last().is_some_and(|(_, left)| *left <= 0) {
            way.pop();
        }
        way.last_mut().ok_or(WRONG)?.1 -= 1;
        if way.len() > DEEPEST {
            return Err("its schema is too deep");
        }
        if element.children > 0 {
            way.push((element, element.children));
            continue;
        }
        let mut names: Vec<&str> = way.iter().skip(1).map(|(e, _)| e.name.as_str()).collect();
        names.push(&element.name);
        out.push(leaf(element, names.join("."), way.len() > 1));
    }
    if way.iter().any(|(_, left)| *left > 0) { Err(WRONG) } else { Ok(out) }
}

fn leaf(element: &Element, name: String, nested: bool) -> Leaf {
    let physical = match element.physical {
        Some(0) => Physical::Boolean,
        Some(1) => Physical::Int32,
        Some(2) => Physical::Int64,
        Some(4) => Physical::Float,
        Some(5) => Physical::Double,
        Some(6) => Physical::Bytes,
        _ => Physical::Other,
    };
    // Of the older list of what values mean, and of the newer one.
    let times = matches!(element.converted, Some(6..=10)) || matches!(element.logical.0, 6..=8);
    let decimal = element.converted == Some(5) || element.logical.0 == 5;
    let whole = matches!(physical, Physical::Int32 | Physical::Int64);
    let refused = if nested || element.repetition == 2 {
        Some("is nested or a list")
    } else if times || element.physical == Some(3) {
        Some("holds dates or times of day")
    } else if physical == Physical::Other || (decimal && !whole) {
        Some("holds bytes")
    } else {
        None
    };
    let unsigned = matches!(element.converted, Some(11..=14)) || element.logical == (10, true);
    let scale = if decimal && whole { element.scale } else { 0 };
    Leaf { name, physical, optional: element.repetition == 1, refused, unsigned, scale }
}

#[cfg(test)]
mod tests {
    use super::{DEEPEST, Element, leaves};

    fn element(name: &str, children: i64) -> Element {
        Element { name: name.into(), children, physical: (children == 0).then_some(5), ..Element::default() }
    }

    /// A schema whose only column lies in so many groups, behind one that lies in none.
    fn nested(groups: usize) -> Vec<Element> {
        let mut out = vec![element("root", 2), element("x", 0)];
        out.extend((0..groups).map(|_| element("g", 1)));
        out.push(element("y", 0));
        out
    }

    #[test]
    fn columns_are_named_by_their_way() {
        let found = leaves(&nested(2)).unwrap();
        let names: Vec<(&str, bool)> = found.iter().map(|l| (l.name.as_str(), l.refused.is_some())).collect();
        assert_eq!(names, [("x", false), ("g.g.y", true)]);
    }

    #[test]
    fn a_schema_is_a_tree_that_is_not_too_deep() {
        assert_eq!(leaves(&nested(DEEPEST - 1)).map(|l| l.len()), Ok(2));
        assert_eq!(leaves(&nested(DEEPEST)).map(|l| l.len()), Err("its schema is too deep"));
        // A column too many, and one too few.
        let not_a_tree = Err("its schema is not a tree");
        assert_eq!(leaves(&[element("root", 1), element("x", 0), element("y", 0)]).map(|l| l.len()), not_a_tree);
        assert_eq!(leaves(&[element("root", 2), element("x", 0)]).map(|l| l.len()), not_a_tree);
        assert_eq!(leaves(&[]).map(|l| l.len()), Err("it has no schema"));
    }
}
