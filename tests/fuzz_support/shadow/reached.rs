//! How far an input has come.

/// How far an input has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    VoteGranted,
    Elected,
    LeaseRenewed,
    LeaseRead,
    QuorumRead,
    Committed,
    Truncated,
    Forwarded,
    AnsweredPeer,
    AnsweredByPeer,
    Misbehaviour,
    Compacted,
    SnapshotSent,
    SnapshotTaken,
    LengthsTaken,
    LengthsAgreed,
    MembersChanged,
    Removed,
    TransferTold,
    HandedOver,
    StorageFull,
    LostQuorum,
    Restarted,
    ClockSetBack,
}

impl Reached {
    pub(crate) const ALL: [Reached; 24] = [
        Reached::VoteGranted,
        Reached::Elected,
        Reached::LeaseRenewed,
        Reached::LeaseRead,
        Reached::QuorumRead,
        Reached::Committed,
        Reached::Truncated,
        Reached::Forwarded,
        Reached::AnsweredPeer,
        Reached::AnsweredByPeer,
        Reached::Misbehaviour,
        Reached::Compacted,
        Reached::SnapshotSent,
        Reached::SnapshotTaken,
        Reached::LengthsTaken,
        Reached::LengthsAgreed,
        Reached::MembersChanged,
        Reached::Removed,
        Reached::TransferTold,
        Reached::HandedOver,
        Reached::StorageFull,
        Reached::LostQuorum,
        Reached::Restarted,
        Reached::ClockSetBack,
    ];
}
