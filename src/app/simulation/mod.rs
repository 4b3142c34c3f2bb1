//! The whole engine against both simulated systems, thousands of lives long: reordered answers,
//! lost ones, crashes at any output, people who act meanwhile. Everything follows from a seed.
//!
//! `PASSERELLE_SEED=n cargo test --lib simulation -- --nocapture` prints the life of one seed;
//! `PASSERELLE_SEEDS=n` says how many are tried.

mod acts;
mod checks;
mod knobs;
mod run;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::app::simulation::run::Run;
use crate::engine::mutants::Mutant;

/// Seeds of a plain `cargo test`.
const SEEDS: u64 = 200;

/// Seeds in which an engine with a planted bug must be found out.
const MUTANT_SEEDS: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
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
    let mut broken = Vec::new();
    for seed in first..first + seeds {
        if let Err(what) = play(seed, None) {
            broken.push(format!("seed {seed}: {what}"));
        }
    }
    assert!(
        broken.is_empty(),
        "{} of {seeds} seeds broke:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_same_seed_lives_the_same_life() {
    for seed in 0..20 {
        let life = |seed| {
            let mut run = Run::new(seed, None, true);
            let played = run.play();
            (run.log, played)
        };
        assert!(life(seed) == life(seed), "seed {seed} lived two lives");
    }
}

/// Bugs that the simulation does not find within its seeds, so that nobody believes it does.
const NOT_FOUND: [Mutant; 0] = [];

#[test]
fn planted_bugs_are_found() {
    let seeds = number("PASSERELLE_MUTANT_SEEDS").unwrap_or(MUTANT_SEEDS);
    // A seed that breaks without any mutant tells nothing.
    let sound: Vec<u64> = (0..seeds)
        .filter(|seed| play(*seed, None).is_ok())
        .collect();
    let mut missed = Vec::new();
    for mutant in Mutant::ALL {
        let found = sound
            .iter()
            .find_map(|seed| Some((seed, play(*seed, Some(mutant)).err()?)));
        match found {
            Some((seed, what)) => {
                let what: String = what.chars().take(90).collect();
                println!("{mutant:?}: seed {seed}: {what}");
            }
            None if NOT_FOUND.contains(&mutant) => {}
            None => missed.push(mutant),
        }
    }
    assert!(missed.is_empty(), "not found in {seeds} seeds: {missed:?}");
}
