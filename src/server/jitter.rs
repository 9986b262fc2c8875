//! The node's random waits.

use leasehold::raft::Jitter;
use leasehold::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Waits drawn from ChaCha8.
#[derive(Debug, Clone)]
pub(super) struct SeededJitter(ChaCha8Rng);

impl SeededJitter {
    /// The waits of the node of that name. Nodes that were given the same seed draw from different streams: equal waits
    /// would make their candidacies collide for ever.
    pub(super) fn new(seed: u64, node: &str) -> SeededJitter {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(fnv1a(node));
        SeededJitter(random)
    }
}

impl Jitter for SeededJitter {
    fn jitter(&mut self, most: Span) -> Span {
        let choices = u128::from(most.as_nanos()) + 1;
        let chosen = (u128::from(self.0.next_u64()) * choices) >> u64::BITS;
        Span::nanos(u64::try_from(chosen).expect("the product's upper half is at most `most`"))
    }
}

/// FNV-1a, 64 bits: the same everywhere and for ever.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded_reproducible_and_different_from_node_to_node() {
        let draw = |node| {
            let mut jitter = SeededJitter::new(7, node);
            (0..20).map(|_| jitter.jitter(Span::secs(1))).collect::<Vec<_>>()
        };
        assert_eq!(draw("n1"), draw("n1"));
        assert_ne!(draw("n1"), draw("n2"));
        assert!(draw("n1").iter().all(|wait| *wait <= Span::secs(1)));
        let mut jitter = SeededJitter::new(7, "n1");
        assert_eq!(jitter.jitter(Span::ZERO), Span::ZERO);
        assert!(jitter.jitter(Span::MAX) <= Span::MAX);
    }
}
