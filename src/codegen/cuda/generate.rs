//! From a program to a device program, step by step.

use super::listing::Listing;
pub(super) use super::listing::{Draft, Parameter, count, status, status_as};
use super::prelude::PRELUDE;
use super::{nest, operator, product, relaxed, spd, text};
use crate::artifact::device::{
    Argument, Check, Count, DeviceFailure, DeviceProgram, DeviceStep, Kernel, Launch, Memory, Scratch,
};
use crate::artifact::operator::When;
use crate::artifact::{BufferIndex, BufferPlace, Entry, Size, Step};
use crate::base::Elem;
use crate::kernel::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The device program of `program`.
pub fn generate(program: &Program) -> DeviceProgram {
    let mut generator = Generator::new(&program.entry);
    for (at, step) in program.entry.steps.iter().enumerate() {
        generator.origin = at;
        match step {
            Step::Loops(step) => {
                if let Some(nest) = program.nests.get(step.nest) {
                    nest::step(&mut generator, nest);
                }
            }
            Step::Product(step) => product::step(&mut generator, step, false),
            Step::Spd(step) => spd::step(&mut generator, step),
            Step::Solve(step) => operator::step(&mut generator, step),
        }
    }
    generator.finish()
}

/// A device program in the making.
pub(super) struct Generator<'a> {
    /// What it is of.
    pub entry: &'a Entry,
    /// The step that is being done.
    pub origin: usize,
    /// The beginning of the source, and functions.
    sections: Vec<Section>,
    kernels: Vec<Kernel>,
    scratch: Vec<Scratch>,
    steps: Vec<DeviceStep>,
    checks: Vec<Check>,
    /// Buffers that may lie over another one while kernels run.
    overlaid: BTreeSet<BufferIndex>,
    /// Functions of the source that are there already, by name.
    functions: BTreeSet<String>,
    /// Factors and residuals of relaxed solves, of launches that are needed at the same time as the next one.
    pub known: relaxed::Known,
    /// The others.
    others_known: BTreeMap<When, relaxed::Known>,
    /// When the next launches and scratch are needed.
    when: When,
    /// The word of the status without which the next launches do nothing.
    guard: Option<usize>,
    /// Scratch that steps name as if it were a buffer of the entry, whose indices follow theirs, and what it is.
    stand_ins: Vec<(Memory, String)>,
    /// Explicit solution matrices.
    pub operators: operator::Operators,
}

/// A part of the source.
enum Section {
    /// As it stands.
    Text(String),
    /// A comment on explicit solution matrices.
    Operators,
    /// The next kernel.
    Kernel(Listing),
}

impl<'a> Generator<'a> {
    fn new(entry: &'a Entry) -> Self {
        let mut source = String::new();
        let _ = writeln!(source, "// {}", text::comment(&entry.name));
        for (kind, ports) in [("takes", &entry.params), ("gives", &entry.results)] {
            for port in ports {
                let axes: Vec<&str> = port.axes.iter().map(|&a| entry.axes[a].name.as_str()).collect();
                let line = format!("{kind} b{}: {} {}[{}]", port.buffer, port.elem, port.name, axes.join(", "));
                let _ = writeln!(source, "//   {}", text::comment(&line));
            }
        }
        for (i, axis) in entry.axes.iter().enumerate().filter(|(_, axis)| axis.size.is_none()) {
            let _ = writeln!(source, "//   s{i}: size of {}", text::comment(&axis.name));
        }
        let overlaid = entry
            .in_place
            .iter()
            .filter_map(|x| Some([entry.results.get(x.result)?.buffer, entry.params.get(x.param)?.buffer]))
            .flatten()
            .collect();
        Generator {
            entry,
            origin: 0,
            sections: vec![Section::Text(source), Section::Operators, Section::Text(format!("\n{PRELUDE}"))],
            kernels: Vec::new(),
            scratch: Vec::new(),
            steps: Vec::new(),
            checks: Vec::new(),
            overlaid,
            functions: BTreeSet::new(),
            known: relaxed::Known::default(),
            others_known: BTreeMap::new(),
            when: When::Always,
            guard: None,
            stand_ins: Vec::new(),
            operators: operator::Operators::default(),
        }
    }

    fn finish(self) -> DeviceProgram {
        let operators = self.operators.finish();
        let mut source = String::new();
        let mut names = self.kernels.iter().map(|k| k.name.as_str());
        for section in &self.sections {
            match section {
                Section::Text(text) => source.push_str(text),
                Section::Operators => source.push_str(&operator::listed(self.entry, &operators)),
                Section::Kernel(listing) => listing.write(names.next().unwrap_or_default(), &mut source),
            }
        }
        DeviceProgram {
            entry: self.entry.clone(),
            source,
            kernels: self.kernels,
            scratch: self.scratch,
            steps: self.steps,
            operators,
            checks: self.checks,
        }
    }

    /// Whether a buffer may lie over another one while kernels run.
    pub fn overlaid(&self, buffer: BufferIndex) -> bool {
        self.overlaid.contains(&buffer)
    }

    /// Memory that lives in this step only.
    pub fn scratch(&mut self, elem: Elem, count: Count) -> Memory {
        let alive = (self.origin, self.origin);
        self.scratch.push(Scratch { elem, count, alive, when: self.when, kept: false });
        Memory::Scratch(self.scratch.len() - 1)
    }

    /// Keeps scratch alive up to this step.
    pub fn keep(&mut self, memory: Memory) {
        if let Memory::Scratch(i) = memory
            && let Some(scratch) = self.scratch.get_mut(i)
        {
            scratch.alive.1 = scratch.alive.1.max(self.origin);
        }
    }

    /// Memory that keeps its numbers from call to call.
    pub fn kept(&mut self, elem: Elem, count: Count) -> Memory {
        let memory = self.scratch(elem, count);
        if let Some(scratch) = self.scratch.last_mut() {
            scratch.kept = true;
        }
        memory
    }

    /// An index by which steps name memory that is no buffer of the entry.
    pub fn stand_in(&mut self, memory: Memory, note: &str) -> BufferIndex {
        self.stand_ins.push((memory, note.to_string()));
        self.entry.buffers.len() + self.stand_ins.len() - 1
    }

    fn stood_in(&self, buffer: BufferIndex) -> Option<&(Memory, String)> {
        self.stand_ins.get(buffer.checked_sub(self.entry.buffers.len())?)
    }

    /// The memory that a step names.
    pub fn named(&self, buffer: BufferIndex) -> Memory {
        self.stood_in(buffer).map_or(Memory::Buffer(buffer), |(memory, _)| *memory)
    }

    /// Writes launches that are needed at this time only.
    pub fn needed(&mut self, when: When, write: impl FnOnce(&mut Self)) {
        let known = self.others_known.remove(&when).unwrap_or_default();
        let outer = (std::mem::replace(&mut self.when, when), std::mem::replace(&mut self.known, known));
        write(self);
        self.when = outer.0;
        let known = std::mem::replace(&mut self.known, outer.1);
        self.others_known.insert(when, known);
    }

    /// How many words the status has so far.
    pub fn check_count(&self) -> usize {
        self.checks.len()
    }

    /// Takes the words from `first` on, those of a solve with a factor in single precision, for no failures: gives that of corrections
    /// that do not come to rest, if it is among them.
    pub fn narrowed(&mut self, first: usize) -> Option<usize> {
        let own = self.checks.get(first..)?;
        let word = first + own.iter().position(|check| check.failure == DeviceFailure::NotConverged)?;
        self.checks.iter_mut().skip(first).for_each(|check| check.failure = DeviceFailure::Narrow);
        Some(word)
    }

    /// Writes launches that do nothing unless this word of the status tells of something.
    pub fn guarded(&mut self, word: usize, write: impl FnOnce(&mut Self)) {
        let outer = (self.guard.replace(word), std::mem::take(&mut self.known));
        write(self);
        // Nobody else finds a factor there that may not have been made.
        (self.guard, self.known) = outer;
    }

    /// Whether launches are written that may have nothing to do.
    pub fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// Whether anybody reads the buffer after this step.
    pub fn is_read(&self, buffer: BufferIndex) -> bool {
        self.entry.is_read_after(self.origin, buffer)
    }

    /// A word of the status.
    pub fn check(&mut self, failure: DeviceFailure, places: Size) -> usize {
        self.checks.push(Check { step: self.origin, failure, places, when: self.when });
        self.checks.len() - 1
    }

    /// Adds a function to the source unless one of this name is there.
    pub fn function(&mut self, name: &str, text: impl FnOnce() -> String) {
        if self.functions.insert(name.to_string()) {
            self.sections.push(Section::Text(format!("\n{}", text())));
        }
    }

    /// The name and axes of a buffer that a port has, otherwise nothing.
    pub fn note(&self, buffer: BufferIndex) -> String {
        if let Some((_, note)) = self.stood_in(buffer) {
            return note.clone();
        }
        let ports = match self.entry.buffers.get(buffer).map(|b| b.place) {
            Some(BufferPlace::Param(i)) => self.entry.params.get(i),
            Some(BufferPlace::Result(i)) => self.entry.results.get(i),
            _ => None,
        };
        ports.map_or_else(String::new, |p| {
            let axes: Vec<&str> = p.axes.iter().map(|&a| self.entry.axes[a].name.as_str()).collect();
            if axes.is_empty() { p.name.clone() } else { format!("{}[{}]", p.name, axes.join(", ")) }
        })
    }

    /// A buffer as a parameter `b` and its number.
    pub fn buffer(&self, buffer: BufferIndex, written: bool) -> Parameter {
        let elem = self.entry.buffers.get(buffer).map_or(Elem::F64, |b| b.elem);
        let restrict = if self.overlaid(buffer) { "" } else { " __restrict__" };
        let constant = if written { "" } else { "const " };
        Parameter {
            declaration: format!("{constant}{}*{restrict} b{buffer}", text::elem(elem)),
            argument: Argument::Memory(Memory::Buffer(buffer)),
            note: self.note(buffer),
        }
    }

    /// Memory as a parameter of this name.
    pub fn memory(&self, memory: Memory, name: &str, written: bool) -> Parameter {
        let (memory, note) = match memory {
            Memory::Buffer(b) => (self.named(b), self.note(b)),
            Memory::Scratch(_) => (memory, String::new()),
        };
        let elem = match memory {
            Memory::Buffer(b) => self.entry.buffers.get(b).map(|b| b.elem),
            Memory::Scratch(i) => self.scratch.get(i).map(|s| s.elem),
        };
        let elem = elem.unwrap_or(Elem::F64);
        let overlaid = matches!(memory, Memory::Buffer(b) if self.overlaid(b));
        let restrict = if overlaid { "" } else { " __restrict__" };
        let constant = if written { "" } else { "const " };
        Parameter {
            declaration: format!("{constant}{}*{restrict} {name}", text::elem(elem)),
            argument: Argument::Memory(memory),
            note,
        }
    }

    /// The sizes of all axes that calls bind, which the text of a size refers to, where they stand in `body`.
    pub fn sizes(&self, body: &str) -> Vec<Parameter> {
        let words: BTreeSet<&str> = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let free = self.entry.axes.iter().enumerate().filter(|(_, axis)| axis.size.is_none());
        free.filter(|(i, _)| words.contains(format!("s{i}").as_str()))
            .map(|(i, axis)| Parameter {
                declaration: format!("word s{i}"),
                argument: Argument::Count(Count::of(Size::axis(i as u32))),
                note: axis.name.clone(),
            })
            .collect()
    }

    /// Writes a kernel, unless one with the same text is there, and gives its launch.
    pub fn kernel(&mut self, mut draft: Draft) -> Launch {
        if let Some(word) = self.guard {
            draft.parameters.push(Parameter {
                declaration: "const word* narrow".to_string(),
                argument: Argument::Status(word),
                note: "all ones where single precision was enough".to_string(),
            });
            draft.body = format!("  if (*narrow == ~0ull) return;\n{}", draft.body);
        }
        let mut notes = Vec::with_capacity(draft.parameters.len());
        let (mut declarations, mut arguments) = (notes.clone(), Vec::new());
        for p in draft.parameters {
            notes.push(p.note);
            declarations.push(p.declaration);
            arguments.push(p.argument);
        }
        let listings = self.sections.iter_mut().filter_map(|s| match s {
            Section::Kernel(listing) => Some(listing),
            Section::Text(_) | Section::Operators => None,
        });
        let note = draft.note;
        let bounds = (draft.block, draft.resident);
        let same =
            |l: &Listing| (l.block, l.resident) == bounds && l.declarations == declarations && l.body == draft.body;
        let kernel = match listings.enumerate().find(|(_, listing)| same(listing)) {
            Some((kernel, listing)) => {
                listing.notes.push((note.clone(), notes));
                kernel
            }
            None => {
                let name = text::identifier(&format!("{}_{}", self.entry.name, draft.suffix));
                let taken = self.kernels.iter().any(|k| k.name == name);
                let name = if taken { format!("{name}_{}", self.kernels.len()) } else { name };
                let Draft { block, resident, barriers, unrolled, .. } = draft;
                self.kernels.push(Kernel { name, block, barriers, unrolled });
                let notes = vec![(note.clone(), notes)];
                self.sections.push(Section::Kernel(Listing { block, resident, declarations, body: draft.body, notes }));
                self.kernels.len() - 1
            }
        };
        Launch { kernel, arguments, threads: draft.threads, origin: self.origin, when: self.when, note }
    }

    /// Writes a kernel and launches it now, unless it has no threads whatever the sizes of a call.
    pub fn launch(&mut self, draft: Draft) {
        if draft.threads.is_nothing() {
            return;
        }
        let launch = self.kernel(draft);
        self.steps.push(DeviceStep::Launch(launch));
    }

    /// Appends a step.
    pub fn push(&mut self, step: DeviceStep) {
        self.steps.push(step);
    }
}
