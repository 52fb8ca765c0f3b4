//! Short vectors chosen at run time: AVX-512, AVX2 with FMA, or portable code; eight numbers in `f64`, sixteen in `f32`.
//!
//! A computation is written once as a [`Kernel`] generic over [`Lanes`] and started by [`Pack::dispatch`].
//! Everything a kernel calls has to be `#[inline(always)]`: only code inlined into the dispatching function is compiled
//! with the wide instructions. Addition, multiplication, division, square root and fused multiply-add are rounded as IEEE
//! 754 says, so eight systems in eight lanes give the same bits as one system in a single lane.

mod blocks;
mod destination;
mod portable;
mod single;
#[cfg(target_arch = "x86_64")]
mod turn;
mod two;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

use blocks::{gather_blocks, scatter_blocks, turn_lanes};
pub(crate) use destination::Destination;
use two::Two;

/// Eight numbers in double precision, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Pack8(pub [f64; 8]);

/// Sixteen numbers in single precision, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Pack16(pub [f32; 16]);

/// Sixteen numbers in double precision: what corrects the sixteen lanes of [`Pack16`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Pair8(pub [Pack8; 2]);

/// A vector with lane-wise arithmetic.
pub(crate) trait Lanes: Copy {
    /// How the vector lies in memory.
    type Pack: Pack;
    /// Whether small systems get code of their own size; every such vector costs compile time.
    const UNROLLED: bool;
    /// The vector of the same lanes in double precision.
    type Exact: Lanes<Pack = <Self::Pack as Pack>::Exact>;
    /// The vectors of the first and the second half of the lanes, for code that keeps many numbers in registers; the vector itself
    /// unless it is [`IN_PARTS`](Self::IN_PARTS).
    type First: Lanes<Pack = Self::Pack>;
    type Second: Lanes<Pack = Self::Pack>;
    /// Whether such code runs on one half of the lanes after the other.
    const IN_PARTS: bool;
    /// Whether products that are added to are not rounded before.
    const FUSED: bool;
    /// The same number, rounded to the vector's precision, in all lanes.
    fn splat(x: f64) -> Self;
    fn load(from: &Self::Pack) -> Self;
    fn store(self, to: &mut Self::Pack);
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Whether every lane of `self` is greater than that of `b`; false where either is not a number.
    fn all_greater(self, b: Self) -> bool;
}

/// The memory form of a vector.
pub(crate) trait Pack: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// The same lanes in double precision.
    type Exact: Pack<Exact = Self::Exact> + Convert<Self>;
    /// Numbers in one pack.
    const WIDTH: usize;
    const ZERO: Self;
    /// Distance from 1 to the next number.
    const EPSILON: f64;
    fn lane(&self, lane: usize) -> f64;
    fn set_lane(&mut self, lane: usize, x: f64);
    /// Runs the kernel with the widest instructions that the processor has.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;
    /// Turns a square block of packs, `WIDTH` by `WIDTH`, so that lane `l` of pack `i` becomes lane `i` of pack `l`.
    #[inline]
    fn turn(block: &mut [Self]) {
        turn_lanes(block);
    }
    /// `to[i]` lane `l` becomes `from[l stride + i]` for the first `count` lanes; lanes beyond them become the last one. There is at least one.
    #[inline]
    fn gather(to: &mut [Self], from: &[f64], stride: usize, count: usize) {
        gather_blocks(to, from, stride, count);
    }
    /// `to[l stride + i]` becomes lane `l` of `from[i]` for the first `count` lanes. `from` may be left turned.
    #[inline]
    fn scatter(from: &mut [Self], to: &mut [f64], stride: usize, count: usize) {
        scatter_blocks(from, to, stride, count);
    }
}

/// `N` vectors from neighbouring packs. A loop, because the closure of `std::array::from_fn` is compiled without the wide
/// instructions and then called.
#[inline(always)]
pub(crate) fn load_all<V: Lanes, const N: usize>(from: &[V::Pack]) -> [V; N] {
    let mut to = [V::splat(0.0); N];
    for (to, from) in to.iter_mut().zip(from) {
        *to = V::load(from);
    }
    to
}

/// Into neighbouring packs.
#[inline(always)]
pub(crate) fn store_all<V: Lanes, const N: usize>(from: &[V; N], to: &mut [V::Pack]) {
    for (to, from) in to.iter_mut().zip(from) {
        from.store(to);
    }
}

/// A computation generic over the vector type. `run` and all it calls have to be `#[inline(always)]`.
pub(crate) trait Kernel<P: Pack> {
    type Output;
    fn run<V: Lanes<Pack = P>>(self) -> Self::Output;
}

/// A pack in another precision with the same number of lanes.
pub(crate) trait Convert<To> {
    fn convert(&self) -> To;
}

impl<P: Copy> Convert<P> for P {
    #[inline(always)]
    fn convert(&self) -> P {
        *self
    }
}

// Loops, because closures are compiled without the wide instructions and then called.
impl Convert<Pack16> for Pair8 {
    #[inline(always)]
    fn convert(&self) -> Pack16 {
        let mut to = [0.0; 16];
        for half in 0..2 {
            for i in 0..8 {
                to[half * 8 + i] = self.0[half].0[i] as f32;
            }
        }
        Pack16(to)
    }
}

impl Convert<Pair8> for Pack16 {
    #[inline(always)]
    fn convert(&self) -> Pair8 {
        let mut to = [Pack8::ZERO; 2];
        for (half, pack) in to.iter_mut().enumerate() {
            for (i, x) in pack.0.iter_mut().enumerate() {
                *x = f64::from(self.0[half * 8 + i]);
            }
        }
        Pair8(to)
    }
}

/// Vectors whose products are not fused.
#[cfg(test)]
pub(crate) type Portable = portable::Wide<f64, 8>;

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The widest instructions of the processor, or narrower ones that `MECHC_INSTRUCTIONS` names (`portable` or `avx2`).
fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let most = std::env::var("MECHC_INSTRUCTIONS").unwrap_or_default();
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && most != "portable";
            if fma && is_x86_feature_detected!("avx512f") && most != "avx2" {
                return Level::Avx512;
            }
            if fma {
                return Level::Avx2;
            }
        }
        Level::Portable
    })
}

/// What `MECHC_INSTRUCTIONS` may be; empty or not set is the widest.
pub const INSTRUCTIONS: [&str; 2] = ["avx2", "portable"];

/// The value of `MECHC_INSTRUCTIONS`, where it is none of [`INSTRUCTIONS`].
pub fn unknown_instructions() -> Option<String> {
    let given = std::env::var_os("MECHC_INSTRUCTIONS").filter(|value| !value.is_empty())?;
    let known = INSTRUCTIONS.iter().any(|name| given == *name);
    (!known).then(|| given.to_string_lossy().into_owned())
}

/// The instructions that vectors use on this machine.
pub fn instructions() -> &'static str {
    match level() {
        Level::Portable => "portable",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => "AVX2",
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => "AVX-512",
    }
}

macro_rules! wide {
    ($pack:ty, $width:literal, $zero:expr, $epsilon:expr, $portable:ty, $avx2:ty, $avx512:ty,
     $exact:ty, |$s:ident, $i:ident| $lane:expr, |$x:ident| $cast:expr $(, $($own:item)+)?) => {
        impl Pack for $pack {
            type Exact = $exact;
            const WIDTH: usize = $width;
            const ZERO: Self = $zero;
            const EPSILON: f64 = $epsilon;

            #[inline(always)]
            fn lane(&self, $i: usize) -> f64 {
                let $s = self;
                f64::from($lane)
            }

            #[inline(always)]
            fn set_lane(&mut self, $i: usize, $x: f64) {
                let $s = self;
                $lane = $cast;
            }

            $($($own)+)?

            #[inline]
            fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
                match level() {
                    Level::Portable => kernel.run::<$portable>(),
                    // SAFETY: `level` found these instructions on the running processor.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { x86::run_avx512::<Self, $avx512, K>(kernel) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { x86::run_avx2::<Self, $avx2, K>(kernel) },
                }
            }
        }
    };
}

wide!(Pack8, 8, Pack8([0.0; 8]), f64::EPSILON, portable::Wide<f64, 8>, x86::Avx2, x86::Avx512, Pack8, |s, i| s.0[i], |x| x,
    #[inline]
    fn turn(block: &mut [Self]) {
        #[cfg(target_arch = "x86_64")]
        if level() != Level::Portable
            && let Some(block) = block.first_chunk_mut::<8>()
        {
            // SAFETY: `level` found these instructions on the running processor.
            return unsafe { turn::turn(block) };
        }
        turn_lanes(block);
    }
    #[inline]
    fn gather(to: &mut [Self], from: &[f64], stride: usize, count: usize) {
        #[cfg(target_arch = "x86_64")]
        if to.len() >= 8 {
            match level() {
                Level::Portable => (),
                // SAFETY: `level` found these instructions on the running processor.
                Level::Avx512 => return unsafe { turn::gather(to, from, stride, count) },
                // SAFETY: as above.
                Level::Avx2 => return unsafe { turn::gather_by_fours(to, from, stride, count) },
            }
        }
        gather_blocks(to, from, stride, count);
    }
    #[inline]
    fn scatter(from: &mut [Self], to: &mut [f64], stride: usize, count: usize) {
        #[cfg(target_arch = "x86_64")]
        if from.len() >= 8 {
            match level() {
                Level::Portable => (),
                // SAFETY: `level` found these instructions on the running processor.
                Level::Avx512 => return unsafe { turn::scatter(from, to, stride, count) },
                // SAFETY: as above.
                Level::Avx2 => return unsafe { turn::scatter_by_fours(from, to, stride, count) },
            }
        }
        scatter_blocks(from, to, stride, count);
    }
);
wide!(
    Pack16,
    16,
    Pack16([0.0; 16]),
    f32::EPSILON as f64,
    portable::Wide<f32, 16>,
    x86::Avx2Single,
    x86::Avx512Single,
    Pair8,
    |s, i| s.0[i],
    |x| x as f32,
    #[inline]
    fn turn(block: &mut [Self]) {
        #[cfg(target_arch = "x86_64")]
        if level() != Level::Portable
            && let Some(block) = block.first_chunk_mut::<16>()
        {
            // SAFETY: `level` found these instructions on the running processor.
            return unsafe { turn::turn_singles(block) };
        }
        turn_lanes(block);
    }
);
wide!(
    Pair8,
    16,
    Pair8([Pack8::ZERO; 2]),
    f64::EPSILON,
    Two<portable::Wide<f64, 8>>,
    Two<x86::Avx2>,
    Two<x86::Avx512>,
    Pair8,
    |s, i| s.0[i / 8].0[i % 8],
    |x| x,
    #[inline]
    fn turn(block: &mut [Self]) {
        let Some(block) = block.first_chunk_mut::<16>() else { return turn_lanes(block) };
        for (row, column) in [(0, 0), (0, 8), (8, 8)] {
            let part =
                |row: usize, column: usize| -> [Pack8; 8] { std::array::from_fn(|i| block[row + i].0[column / 8]) };
            let (mut there, mut back) = (part(row, column), part(column, row));
            Pack8::turn(&mut there);
            Pack8::turn(&mut back);
            for i in 0..8 {
                block[row + i].0[column / 8] = back[i];
                block[column + i].0[row / 8] = there[i];
            }
        }
    }
);

impl Pack for f64 {
    type Exact = f64;
    const WIDTH: usize = 1;
    const ZERO: Self = 0.0;
    const EPSILON: f64 = f64::EPSILON;

    #[inline(always)]
    fn lane(&self, _lane: usize) -> f64 {
        *self
    }

    #[inline(always)]
    fn set_lane(&mut self, _lane: usize, x: f64) {
        *self = x;
    }

    #[inline]
    fn gather(to: &mut [Self], from: &[f64], _stride: usize, _count: usize) {
        to.copy_from_slice(&from[..to.len()]);
    }

    #[inline]
    fn scatter(from: &mut [Self], to: &mut [f64], _stride: usize, _count: usize) {
        to[..from.len()].copy_from_slice(from);
    }

    #[inline]
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
        match level() {
            Level::Portable => kernel.run::<single::Single<false>>(),
            // SAFETY: `level` found fused multiply-add on the running processor.
            #[cfg(target_arch = "x86_64")]
            _ => unsafe { x86::run_avx2::<Self, single::Single<true>, K>(kernel) },
        }
    }
}

#[cfg(test)]
mod tests;
