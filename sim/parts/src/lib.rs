//! Part files: pieces of a result that many processes compute, on one machine or on a thousand.
//!
//! A part is one file of compressed JSON lines: a [`Header`], the rows, a [`Footer`] with a checksum. It is written under
//! another name, synced and renamed, so it is whole or not there. Its name is a function of what it holds: a process that is
//! run again finds its part and has nothing to do. That is what makes every engine's retries free.
//!
//! * [`Header`]: the question, the build that answers it, and which slice of the answer a part holds;
//! * [`Writer`]: writes one part;
//! * [`Part`]: a part that is there; reading it checks every byte;
//! * [`survey`]: the parts of some folders, refused unless they belong to one question;
//! * [`coverage`]: what is missing, and what is there twice;
//! * [`Digest`]: a sum over rows that does not depend on their order.
//!
//! **Architecture Invariant:** this crate does not know what a row means. It depends on no other crate of ours.

mod coverage;
mod digest;
mod error;
mod header;
mod reader;
mod survey;
mod writer;

pub use coverage::{Coverage, coverage, shard};
pub use digest::Digest;
pub use error::PartError;
pub use header::{Build, Header, Slice};
pub use reader::{Footer, Part};
pub use survey::{Survey, survey};
pub use writer::Writer;
