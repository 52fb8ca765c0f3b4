//! What the machine code of a kernel takes of a device, read from the compiler's report.

/// What one kernel takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelUsage {
    /// The kernel.
    pub name: String,
    /// Registers of a thread.
    pub registers: u32,
    /// Bytes of a thread's stack: arrays that are indexed by numbers unknown to the compiler, and spills.
    pub stack: u32,
    /// Bytes written to memory for want of registers.
    pub spill_stores: u32,
    /// Bytes read back.
    pub spill_loads: u32,
}

/// Reads the report that `--ptxas-options=-v` adds to the compiler's log. Functions that are no kernels are left out.
pub fn kernel_usage(log: &str) -> Vec<KernelUsage> {
    let mut kernels: Vec<KernelUsage> = Vec::new();
    // The name of a kernel precedes its figures; figures of other functions follow their own heading.
    let mut of_kernel = false;
    for line in log.lines() {
        if let Some(name) = quoted(line).filter(|_| line.contains("Compiling entry function")) {
            kernels.push(KernelUsage { name: name.to_string(), ..KernelUsage::default() });
        }
        if let Some((_, function)) = line.split_once("Function properties for ") {
            of_kernel = kernels.last().is_some_and(|k| k.name == function.trim());
        }
        let Some(kernel) = kernels.last_mut().filter(|_| of_kernel) else { continue };
        if line.contains("spill stores") {
            kernel.stack = before(line, " bytes stack frame");
            kernel.spill_stores = before(line, " bytes spill stores");
            kernel.spill_loads = before(line, " bytes spill loads");
        }
        if line.contains("registers") {
            kernel.registers = before(line, " registers");
        }
    }
    kernels
}

fn quoted(line: &str) -> Option<&str> {
    line.split('\'').nth(1)
}

/// The number that stands before `unit`, or 0.
fn before(line: &str, unit: &str) -> u32 {
    let number = line.find(unit).and_then(|at| line[..at].rsplit([' ', ',']).next()).and_then(|n| n.parse().ok());
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_belong_to_the_kernel_before_them() {
        let log = "ptxas info    : 272 bytes gmem\n\
                   ptxas info    : Compiling entry function 'a' for 'sm_90'\n\
                   ptxas info    : Function properties for a\n\
                   ptxas         .     40 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads\n\
                   ptxas info    : Used 28 registers, used 0 barriers, 40 bytes cumulative stack size\n\
                   ptxas info    : Compiling entry function 'b' for 'sm_90'\n\
                   ptxas info    : Function properties for b\n\
                   ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
                   ptxas info    : Used 255 registers\n\
                   ptxas info    : Function properties for __internal_trig_reduction_slowpathd\n\
                   ptxas         .     16 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads\n";
        let of = |name: &str, registers, stack, spill_stores, spill_loads| KernelUsage {
            name: name.into(),
            registers,
            stack,
            spill_stores,
            spill_loads,
        };
        assert_eq!(kernel_usage(log), [of("a", 28, 40, 8, 12), of("b", 255, 0, 0, 0)]);
        assert_eq!(kernel_usage(""), []);
    }
}
