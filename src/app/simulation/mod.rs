//! The whole engine against both simulated systems, thousands of lives long: reordered answers,
//! lost ones, crashes at any output, people who act meanwhile. Everything follows from a seed.
//!
//! `PASSERELLE_SEED=n cargo test --lib simulation -- --nocapture` prints the life of one seed;
//! `PASSERELLE_SEEDS=n` says how many are tried.

mod acts;
mod checks;
mod knobs;
mod operator;
mod run;
mod witness;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::app::simulation::run::{NARROW_SEEDS, Run};
use crate::engine::mutants::Mutant;

/// Seeds of a plain `cargo test`; CI tries 20,000.
const SEEDS: u64 = 300;

/// For so many ordinary lives, one of nothing but consent.
const ORDINARY_PER_NARROW: u64 = 40;

/// Seeds in which an engine with a planted bug must be found out.
const MUTANT_SEEDS: u64 = 60;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries every seed on as many threads as the machine runs at once; what they told, in order.
fn in_parallel<T: Send>(
    seeds: std::ops::Range<u64>,
    tell: impl Fn(u64) -> Option<T> + Sync,
) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let mut told: Vec<(u64, T)> = std::thread::scope(|scope| {
        let (seeds, tell) = (&seeds, &tell);
        let stripe = |first: u64| {
            let stripe = (seeds.start + first..seeds.end).step_by(threads as usize);
            stripe
                .filter_map(|seed| Some((seed, tell(seed)?)))
                .collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || stripe(first)))
            .collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().expect("a stripe of seeds"))
            .collect()
    });
    told.sort_by_key(|(seed, _)| *seed);
    told.into_iter().map(|(_, what)| what).collect()
}

/// Plays one seed; says what broke.
fn play(seed: u64, mutant: Option<Mutant>) -> Result<(), String> {
    let played = catch_unwind(AssertUnwindSafe(|| Run::new(seed, mutant, false).play()));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

#[test]
fn the_engine_keeps_its_promises_in_every_seed() {
    if let Some(seed) = number("PASSERELLE_SEED") {
        let mut run = Run::new(seed, None, true);
        let played = run.play();
        for line in run.log.take().unwrap_or_default() {
            println!("{line}");
        }
        println!(
            "seed {seed}: {played:?}; {} crashes, {} cycles, {} writes",
            run.crashes, run.cycles, run.writes
        );
        assert_eq!(played, Ok(()));
        return;
    }
    let first = number("PASSERELLE_FIRST_SEED").unwrap_or(0);
    let seeds = number("PASSERELLE_SEEDS").unwrap_or(SEEDS);
    let tell = |seed| {
        let what = play(seed, None).err()?;
        Some(format!("seed {seed}: {what}"))
    };
    let mut broken = in_parallel(first..first + seeds, tell);
    let narrow = NARROW_SEEDS..NARROW_SEEDS + seeds / ORDINARY_PER_NARROW;
    broken.extend(in_parallel(narrow, tell));
    assert!(
        broken.is_empty(),
        "{} of {seeds} seeds broke:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_same_seed_lives_the_same_life() {
    for seed in 0..8 {
        let life = |seed| {
            let mut run = Run::new(seed, None, true);
            let played = run.play();
            (run.log, played)
        };
        assert!(life(seed) == life(seed), "seed {seed} lived two lives");
    }
}

/// Planted bugs, and a seed that found each when it was planted. Whatever changes a life may change
/// what its seed finds: `PASSERELLE_MUTANT_SEEDS=n` looks for the first seed of each anew.
const MUTANTS: [(Mutant, u64); 15] = [
    (Mutant::NoEchoSuppression, 0),
    (Mutant::NoRowResults, 9),
    (Mutant::CreatesWithoutLooking, 7),
    (Mutant::CreatesAgainAtOnce, 7),
    (Mutant::NoOverlap, 16),
    (Mutant::LostEditStoredLate, 4),
    (Mutant::CursorBeforeData, 1),
    (Mutant::TiesDropped, 9),
    (Mutant::OptInWithoutProof, 70),
    (Mutant::NewReferenceOnRetry, 1),
    (Mutant::LatestConsentWins, 70),
    (Mutant::NoPreRead, 23),
    (Mutant::BothEqualIsAgreed, 5),
    (Mutant::OptInUnguarded, NARROW_SEEDS + 5),
    (Mutant::NoReview, 4),
];

/// Whether the bug is what breaks the seed.
fn is_found_by(mutant: Mutant, seed: u64) -> bool {
    play(seed, Some(mutant)).is_err() && play(seed, None).is_ok()
}

/// Seeds tried side by side before looking whether one found the bug: a broken engine may run long.
const BLOCK: u64 = 4;

fn first_find(mutant: Mutant, seeds: u64) -> Option<u64> {
    let first = match mutant {
        Mutant::OptInUnguarded => NARROW_SEEDS,
        _ => 0,
    };
    (0..seeds.div_ceil(BLOCK)).find_map(|block| {
        let seeds = first + block * BLOCK..first + seeds.min(block * BLOCK + BLOCK);
        let found = in_parallel(seeds, |seed| is_found_by(mutant, seed).then_some(seed));
        found.first().copied()
    })
}

#[test]
fn planted_bugs_are_found() {
    if let Some(seeds) = number("PASSERELLE_MUTANT_SEEDS") {
        for (mutant, _) in MUTANTS {
            println!("{mutant:?}: {:?}", first_find(mutant, seeds));
        }
        return;
    }
    let is_missed = |(mutant, seed): &(Mutant, u64)| {
        !is_found_by(*mutant, *seed) && first_find(*mutant, MUTANT_SEEDS).is_none()
    };
    let missed: Vec<_> = MUTANTS.into_iter().filter(is_missed).collect();
    assert!(missed.is_empty(), "no longer found: {missed:?}");
}
