"""The lease protocol as a transition system, its inductive invariant, and what follows from it."""
