//! The values that keys give, as the setup holds them: each kind of value says how it is read, written and counted.

use super::model::{Delay, DiskKind, OperationKind, StampSource, Target, Unsynced};
use super::read::Value;
use super::schema::Kind;
use super::units::{PARTS, Quantity};
use super::walk::Found;
use super::write::{delay, span};
use crate::display::{rate, signed_span};
use crate::guest::Guest;
use crate::setup::Setup;
use leasehold::lease::LeaseForm;
use leasehold::time::Span;

/// Where the value of a key stands in a setup. The number says of which node, link or client; tables that exist once do not
/// use it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) get: fn(&Setup, usize) -> &dyn Held,
    pub(super) get_mut: fn(&mut Setup, usize) -> &mut dyn Held,
}

/// A [`Slot`] from the place of a value: `slot!(|setup, node| setup.nodes[node].disk_sync)`.
macro_rules! slot {
    (|$setup:ident, $index:tt| $place:expr) => {
        Slot { get: |$setup, $index| &$place, get_mut: |$setup, $index| &mut $place }
    };
}
pub(super) use slot;

/// A value that a key of a scenario file gives.
pub(super) trait Held {
    /// Becomes what was read.
    fn take(&mut self, found: &Found);
    /// Is it what this default says?
    fn is(&self, default: &Found) -> bool;
    /// As a file says it; `None` for what a file says by leaving the key away.
    fn written(&self, setup: &Setup, kind: &Kind) -> Option<String>;
    /// Nothing is held.
    fn is_unset(&self) -> bool;
    /// It may hold nothing, and then another value counts.
    fn may_be_unset(&self) -> bool;
    /// The number that a search may change: nanoseconds, parts per billion, or things.
    fn amount(&self) -> Option<i128>;
    /// What [`amount`](Held::amount) would be if it were this default.
    fn amount_of(&self, default: &Found) -> Option<i128>;
    /// Changes the number. One that does not fit changes nothing.
    fn set_amount(&mut self, amount: i128);
}

/// What [`Held`] needs of a type.
trait Typed: PartialEq + Sized {
    const MAY_BE_UNSET: bool = false;
    fn holds_nothing(&self) -> bool {
        false
    }
    fn read(found: &Found) -> Self;
    fn write(&self, setup: &Setup, kind: &Kind) -> Option<String>;
    fn number(&self) -> Option<i128> {
        None
    }
    fn of_number(_number: i128) -> Option<Self> {
        None
    }
}

impl<T: Typed> Held for T {
    fn take(&mut self, found: &Found) {
        *self = T::read(found);
    }

    fn is(&self, default: &Found) -> bool {
        *self == T::read(default)
    }

    fn written(&self, setup: &Setup, kind: &Kind) -> Option<String> {
        self.write(setup, kind)
    }

    fn is_unset(&self) -> bool {
        self.holds_nothing()
    }

    fn may_be_unset(&self) -> bool {
        T::MAY_BE_UNSET
    }

    fn amount(&self) -> Option<i128> {
        self.number()
    }

    fn amount_of(&self, default: &Found) -> Option<i128> {
        T::read(default).number()
    }

    fn set_amount(&mut self, amount: i128) {
        if self.number().is_some()
            && let Some(changed) = T::of_number(amount)
        {
            *self = changed;
        }
    }
}

impl<T: Typed> Typed for Option<T> {
    const MAY_BE_UNSET: bool = true;

    fn holds_nothing(&self) -> bool {
        self.is_none()
    }

    fn read(found: &Found) -> Option<T> {
        Some(T::read(found))
    }

    fn write(&self, setup: &Setup, kind: &Kind) -> Option<String> {
        self.as_ref()?.write(setup, kind)
    }

    fn number(&self) -> Option<i128> {
        self.as_ref()?.number()
    }

    fn of_number(number: i128) -> Option<Option<T>> {
        T::of_number(number).map(Some)
    }
}

impl Typed for Span {
    fn read(found: &Found) -> Span {
        found.span()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(span(*self))
    }

    fn number(&self) -> Option<i128> {
        Some(i128::from(self.as_nanos()))
    }

    fn of_number(number: i128) -> Option<Span> {
        u64::try_from(number).ok().map(Span::nanos)
    }
}

/// Only a delay that is always the same is one number.
impl Typed for Delay {
    fn read(found: &Found) -> Delay {
        found.delay()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(delay(*self))
    }

    fn number(&self) -> Option<i128> {
        match self {
            Delay::Fixed(fixed) => fixed.number(),
            Delay::Uniform { .. } | Delay::LogNormal { .. } => None,
        }
    }

    fn of_number(number: i128) -> Option<Delay> {
        Span::of_number(number).map(Delay::Fixed)
    }
}

/// A length of time with a sign, in nanoseconds, or a rate, in parts per billion: the kind of the key says which.
impl Typed for i64 {
    fn read(found: &Found) -> i64 {
        match found.value {
            Value::Offset(nanos) => nanos,
            _ => found.rate(),
        }
    }

    fn write(&self, _: &Setup, kind: &Kind) -> Option<String> {
        let text = if matches!(kind, Kind::Rate) { rate(*self) } else { signed_span(i128::from(*self)) };
        Some(format!("{text:?}"))
    }

    fn number(&self) -> Option<i128> {
        Some(i128::from(*self))
    }

    fn of_number(number: i128) -> Option<i64> {
        i64::try_from(number).ok()
    }
}

/// A share, per million. A search turns shares off or leaves them as they are.
impl Typed for u32 {
    fn read(found: &Found) -> u32 {
        found.share()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(format!("{:?}", Quantity::write(i128::from(*self) * 1_000, &PARTS[1])))
    }
}

impl Typed for u64 {
    fn read(found: &Found) -> u64 {
        found.count()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(self.to_string())
    }

    fn number(&self) -> Option<i128> {
        Some(i128::from(*self))
    }

    fn of_number(number: i128) -> Option<u64> {
        u64::try_from(number).ok()
    }
}

impl Typed for usize {
    fn read(found: &Found) -> usize {
        usize::try_from(found.count()).unwrap_or(usize::MAX)
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(self.to_string())
    }

    fn number(&self) -> Option<i128> {
        i128::try_from(*self).ok()
    }

    fn of_number(number: i128) -> Option<usize> {
        usize::try_from(number).ok()
    }
}

impl Typed for bool {
    fn read(found: &Found) -> bool {
        found.flag()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(self.to_string())
    }
}

impl Typed for String {
    fn read(found: &Found) -> String {
        found.text.clone()
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

impl Typed for Guest {
    fn read(found: &Found) -> Guest {
        Guest::new(found.text.clone())
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        Some(format!("{:?}", self.command()))
    }
}

impl Typed for Target {
    fn read(found: &Found) -> Target {
        match found.value {
            Value::Target(target) => target,
            _ => found.mismatch(),
        }
    }

    fn write(&self, setup: &Setup, _: &Kind) -> Option<String> {
        Some(match self {
            Target::Node(node) => format!("{:?}", setup.nodes[*node].name),
            Target::Leader => "\"leader\"".to_owned(),
            Target::Any => "\"any\"".to_owned(),
        })
    }
}

impl Typed for Vec<OperationKind> {
    fn read(found: &Found) -> Vec<OperationKind> {
        match &found.value {
            Value::Operations(operations) => operations.clone(),
            _ => found.mismatch(),
        }
    }

    fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
        let word = |operation: &OperationKind| match operation {
            OperationKind::Read => "\"read\"",
            OperationKind::Write => "\"write\"",
            OperationKind::Cas => "\"cas\"",
        };
        Some(match &self[..] {
            [only] => word(only).to_owned(),
            several => format!("[{}]", several.iter().map(word).collect::<Vec<_>>().join(", ")),
        })
    }
}

/// Words of a file, each with the value that it stands for.
macro_rules! words {
    ($name:ident: $type:ty = $($word:literal => $value:path),+ $(,)?) => {
        pub(super) const $name: &[&str] = &[$($word),+];

        impl Typed for $type {
            fn read(found: &Found) -> $type {
                match found.word() {
                    $($word => $value,)+
                    _ => found.mismatch(),
                }
            }

            fn write(&self, _: &Setup, _: &Kind) -> Option<String> {
                let word = match self {
                    $($value => $word,)+
                };
                Some(format!("{word:?}"))
            }
        }
    };
}

words!(FORMS: LeaseForm = "elapsed" => LeaseForm::Elapsed, "deadline" => LeaseForm::Deadline);
words!(DISK_KINDS: DiskKind = "memory" => DiskKind::Memory, "durable" => DiskKind::Durable);
words!(UNSYNCED: Unsynced = "torn" => Unsynced::Torn, "lost" => Unsynced::Lost, "kept" => Unsynced::Kept);
words!(
    STAMPS: StampSource = "both" => StampSource::Both, "raw" => StampSource::Raw, "boot" => StampSource::Boot,
    "wall" => StampSource::Wall
);
