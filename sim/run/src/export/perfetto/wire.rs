//! Perfetto's packets as protobuf bytes: the fields that this exporter uses, with their numbers.
//!
//! The numbers are those of perfetto/trace/trace_packet.proto, track_event/track_event.proto and
//! track_event/track_descriptor.proto. Fields of a published protobuf schema keep their numbers for good. A test reads the
//! bytes back with Perfetto's own classes.

use std::io::{self, Write};

/// A flow: an arrow between instants and slices that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flow(pub(super) u64);

/// A name and a value that the viewer shows for an event.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    /// A count, a term, an index.
    Number(&'static str, u64),
    /// True time or a length, ns.
    Nanos(&'static str, u64),
    /// Words.
    Text(&'static str, String),
}

/// What an event is, by its number in `TrackEvent.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SliceBegin = 1,
    SliceEnd = 2,
    Instant = 3,
    Counter = 4,
}

/// A message under construction.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    /// A field of type uint64, uint32, enum or bool; for int64, its two's complement.
    pub(super) fn number(&mut self, field: u32, value: u64) -> &mut Message {
        self.tag(field, 0);
        self.varint(value);
        self
    }

    /// A field of type int64.
    pub(super) fn signed(&mut self, field: u32, value: i64) -> &mut Message {
        self.number(field, u64::from_le_bytes(value.to_le_bytes()))
    }

    /// A field of type fixed64.
    pub(super) fn fixed(&mut self, field: u32, value: u64) -> &mut Message {
        self.tag(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A field of type string.
    pub(super) fn text(&mut self, field: u32, text: &str) -> &mut Message {
        self.bytes(field, text.as_bytes())
    }

    /// A message in a field.
    pub(super) fn message(&mut self, field: u32, message: &Message) -> &mut Message {
        self.bytes(field, &message.0)
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) -> &mut Message {
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }
}

/// All packets are of one sequence.
const SEQUENCE: u64 = 1;

/// `Trace.packet`, with `TracePacket.trusted_packet_sequence_id`.
pub(super) fn write_packet(to: &mut impl Write, packet: &mut Message) -> io::Result<()> {
    packet.number(10, SEQUENCE);
    let mut whole = Message::default();
    whole.message(1, packet);
    to.write_all(&whole.0)
}

/// A `TracePacket` with a `TrackDescriptor`. `describe` fills in what the track is.
pub(super) fn track(uuid: u64, describe: impl FnOnce(&mut Message)) -> Message {
    let mut descriptor = Message::default();
    descriptor.number(1, uuid);
    describe(&mut descriptor);
    let mut packet = Message::default();
    packet.message(60, &descriptor);
    packet
}

/// `TrackDescriptor.process`: its tracks are shown together.
pub(super) fn process(descriptor: &mut Message, pid: u64, name: &str) {
    let mut process = Message::default();
    process.number(1, pid).text(6, name);
    // Tracks of a process in the order of their ranks.
    descriptor.message(3, &process).number(11, 3);
}

/// A track below another one: `TrackDescriptor.name`, `.parent_uuid` and `.sibling_order_rank`.
pub(super) fn child(descriptor: &mut Message, parent: u64, name: &str, rank: u64) {
    descriptor.text(2, name).number(5, parent).number(12, rank);
}

/// `TrackDescriptor.counter`, in nanoseconds.
pub(super) fn counter(descriptor: &mut Message) {
    let mut counter = Message::default();
    // UNIT_TIME_NS
    counter.number(3, 1);
    descriptor.message(8, &counter);
}

/// A `TracePacket` with a `TrackEvent` on a track at a true time, ns.
pub(super) fn event(at: u64, kind: Kind, track: u64, fill: impl FnOnce(&mut Message)) -> Message {
    let mut event = Message::default();
    event.number(9, kind as u64).number(11, track);
    fill(&mut event);
    let mut packet = Message::default();
    packet.number(8, at).message(11, &event);
    packet
}

/// `TrackEvent.name`, `.debug_annotations`, and its flows: `true` for one that ends here.
pub(super) fn details(event: &mut Message, name: &str, arguments: &[Argument], flows: &[(Flow, bool)]) {
    event.text(23, name);
    for argument in arguments {
        let mut annotation = Message::default();
        match argument {
            Argument::Number(name, value) | Argument::Nanos(name, value) => {
                annotation.text(10, name).number(3, *value);
            }
            Argument::Text(name, text) => {
                annotation.text(10, name).text(6, text);
            }
        }
        event.message(4, &annotation);
    }
    for (flow, ends) in flows {
        event.fixed(if *ends { 48 } else { 47 }, flow.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of protobuf's own description of its encoding.
    #[test]
    fn numbers_and_texts_are_encoded_as_protobuf_says() {
        let mut message = Message::default();
        message.number(1, 150);
        assert_eq!(message.0, [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.text(2, "testing");
        assert_eq!(message.0, [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
        let mut message = Message::default();
        message.signed(1, -2);
        assert_eq!(message.0, [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    }
}
