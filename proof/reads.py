"""Reads by a quorum: what a leader answers that has no lease (docs/ideas/proof.md; Raft dissertation, section 6.4).

The quorum that acknowledges the read's round and the majority that elects a later leader share a voter. It acknowledges
nothing of a lower term after its vote. The letters are instants of one run.
"""

from z3 import Ints

from obligation import PROVED, REFUTED, Obligation

UNCONFIRMED, EARLIER, SHARED = "reads-unconfirmed", "reads-earlier-round", "reads-shared-round"
BROKEN = {UNCONFIRMED, EARLIER, SHARED}

arrived, sent, acknowledged, answered = Ints("arrived sent acknowledged answered")
voted, elected, written = Ints("voted elected written")

# What a voter and a later leader do, under any rules.
RAFT = [
    sent <= acknowledged,
    acknowledged < voted,  # the shared voter: afterwards it refuses the round
    voted <= elected,
    elected <= written,  # the first write that the read could miss is acknowledged to its client
]
ROUND_AFTER_READ = arrived <= sent
CONFIRMED = acknowledged <= answered
FRESH = arrived < written  # the write was concurrent with the read, or came after it


def obligations():
    proved = Obligation(
        "reads by a quorum: a later leader's writes are no earlier than the read",
        "read_round, read_is_confirmed",
        [*RAFT, ROUND_AFTER_READ, CONFIRMED],
        FRESH,
        PROVED,
    )
    # Of two reads the first has a sound round, and the second takes the same.
    first_arrived = Ints("first_arrived")[0]
    # An answer that waits for nobody says nothing of any acknowledgement: the voter may have voted long before.
    unconfirmed = [voted <= elected, elected <= written, arrived <= answered]
    refuted = [
        (UNCONFIRMED, "answered before anybody acknowledged the round", unconfirmed),
        (EARLIER, "the round was sent before the read arrived", [*RAFT, CONFIRMED, arrived <= answered]),
        (
            SHARED,
            "the round was sent after another read arrived",
            [*RAFT, CONFIRMED, first_arrived <= sent, first_arrived <= arrived, arrived <= answered],
        ),
    ]
    show = [arrived, sent, acknowledged, voted, written, answered]
    return [proved] + [
        Obligation(f"reads by a quorum: {name}", says, given, FRESH, REFUTED, show=show) for name, says, given in refuted
    ]
